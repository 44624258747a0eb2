package io.curvefs.metaserver.partition;

import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.proto.BlockCount;
import io.curvefs.proto.HeldBlockGroup;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import io.curvefs.space.bitmap.Bitmap;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a group's rows say of the space on volumes of one file system. As thread-safe as the view
 * below it.
 */
public final class SpaceRows {
  private static final int ROWS_PER_SCAN = 1000;

  private final View view;
  private final int fileSystem;

  public SpaceRows(View view, int fileSystem) {
    this.view = view;
    this.fileSystem = fileSystem;
  }

  /** Whether the file system has a partition here; without one nothing of it changes any more. */
  boolean isFileSystemHere() {
    return !view.scan(Keys.partitions(fileSystem), null, 1).isEmpty();
  }

  /** The address of the first block of a block group. */
  public static long groupOf(long address) {
    return address & -VolumeLayout.GROUP_BLOCKS;
  }

  /** One block group. */
  public record Held(long address, HeldBlockGroup group) {
    /** Blocks of files, deleted ones that are not freed yet included. */
    public long ofFiles() {
      return (long) group.getUsed() - group.getReserved() - group.getQuarantined();
    }
  }

  public @Nullable HeldBlockGroup heldBlockGroup(long address) {
    byte[] value = view.get(Keys.heldBlockGroup(fileSystem, address));
    return value == null ? null : Namespace.parse(value, HeldBlockGroup.parser());
  }

  /** All block groups that are held, by address. */
  public List<Held> heldBlockGroups() {
    return heldBlockGroups(view, Keys.heldBlockGroups(fileSystem));
  }

  /** All block groups that a group holds of any file system. */
  public static List<Held> ofAllFileSystems(View view) {
    return heldBlockGroups(view, Keys.heldBlockGroups());
  }

  private static List<Held> heldBlockGroups(View view, byte[] prefix) {
    List<Held> held = new ArrayList<>();
    byte @Nullable [] last = null;
    List<Row> some;
    do {
      some = view.scan(prefix, last, ROWS_PER_SCAN);
      for (Row row : some) {
        held.add(
            new Held(
                Keys.addressOf(row.key()), Namespace.parse(row.value(), HeldBlockGroup.parser())));
        last = row.key();
      }
    } while (some.size() == ROWS_PER_SCAN);
    return held;
  }

  /** The bits of a block group that is held. */
  public Bitmap bitmap(Held held) {
    Bitmap bitmap = Bitmap.ofBits(held.group().getBlocks());
    if (held.group().getUsed() == 0) {
      return bitmap;
    }
    long end = held.address() + held.group().getBlocks();
    byte[] before = Keys.bitmapSegment(fileSystem, held.address() - 1);
    for (Row row : view.scan(Keys.bitmaps(fileSystem), before, bitmap.segments())) {
      long address = Keys.addressOf(row.key());
      if (address < end) {
        bitmap.setSegment((int) (address - held.address()) / Bitmap.SEGMENT_BITS, row.value());
      }
    }
    return bitmap;
  }

  /** Whether the bits of all blocks are clear, and their block groups held. */
  public boolean isFree(BlockRange range) {
    for (BlockRange part : range.cutAtEvery(Bitmap.SEGMENT_BITS)) {
      HeldBlockGroup group = heldBlockGroup(groupOf(part.address()));
      if (group == null || part.firstInGroup() + part.count() > group.getBlocks()) {
        return false;
      }
      byte[] segment = view.get(Keys.bitmapSegment(fileSystem, segmentOf(part)));
      int first = firstInSegment(part);
      if (segment != null
          && Bitmap.over(segment).nextSet(first, first + part.count()) < first + part.count()) {
        return false;
      }
    }
    return true;
  }

  static long segmentOf(BlockRange part) {
    return part.address() & -Bitmap.SEGMENT_BITS;
  }

  static int firstInSegment(BlockRange part) {
    return (int) (part.address() & Bitmap.SEGMENT_BITS - 1);
  }

  /** Whether all blocks are reserved by the session. */
  public boolean isReserved(int session, BlockRange range) {
    long at = range.address();
    long end = at + range.count();
    while (at < end) {
      BlockRange reserved = reservationAt(session, at);
      if (reserved == null) {
        return false;
      }
      at = reserved.address() + reserved.count();
    }
    return true;
  }

  /** What of a session's reserved blocks is one row with a certain block. */
  @Nullable BlockRange reservationAt(int session, long address) {
    Row row =
        view.lower(
            Keys.reservations(fileSystem, session),
            Keys.reservation(fileSystem, session, address + 1));
    BlockRange reserved = row == null ? null : blocksOf(row);
    return reserved != null && reserved.address() + reserved.count() > address ? reserved : null;
  }

  /** The first row of a session's reserved blocks that begins behind a block. */
  @Nullable BlockRange reservationBehind(int session, long address) {
    List<Row> rows =
        view.scan(
            Keys.reservations(fileSystem, session),
            Keys.reservation(fileSystem, session, address),
            1);
    return rows.isEmpty() ? null : blocksOf(rows.get(0));
  }

  /** The blocks of a row of reserved blocks, or of blocks in quarantine. */
  public static BlockRange blocksOf(Row row) {
    return new BlockRange(
        Keys.addressOf(row.key()), Namespace.parse(row.value(), BlockCount.parser()).getCount());
  }
}

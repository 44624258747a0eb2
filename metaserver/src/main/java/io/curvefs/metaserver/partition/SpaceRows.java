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

    /** Blocks that this raft group may use, or uses: not those that are another's for now. */
    public long own() {
      return (long) group.getBlocks() - group.getAway();
    }

    /** Blocks that sessions have reserved. */
    public long ofSessions() {
      return (long) group.getReserved() - group.getAway();
    }

    /** Of another raft group, which has lent some of its blocks. */
    public boolean isBorrowed() {
      return group.getLender() != 0;
    }

    /** Blocks of it that are lent to other raft groups. */
    public long lent() {
      return isBorrowed() ? 0 : group.getAway();
    }

    /** Blocks of it that another raft group has lent to this one. */
    public long borrowed() {
      return isBorrowed() ? own() : 0;
    }
  }

  /**
   * In whose name blocks are reserved that are another raft group's: lent to it or, of a borrowed
   * block group, not lent by it. No session has such a number.
   */
  public static int holder(int raftGroup) {
    return -raftGroup;
  }

  /** The raft group that a {@link #holder} stands for; 0: it is a session. */
  public static int groupOfHolder(int session) {
    return Math.max(0, -session);
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

  /** The number of a row of reserved blocks: of the loan if they are lent, else 0. */
  static long numberOf(byte @Nullable [] value) {
    return value == null ? 0 : Namespace.parse(value, BlockCount.parser()).getNumber();
  }

  /**
   * Blocks that are lent.
   *
   * @param lastNumber the highest number of a loan among them; 0: there are none
   */
  public record Lent(List<BlockRange> ranges, long lastNumber) {}

  /** Blocks of own block groups that are lent to a raft group, in the order of their addresses. */
  public Lent lentTo(int raftGroup) {
    byte[] prefix = Keys.reservations(fileSystem, holder(raftGroup));
    List<BlockRange> lent = new ArrayList<>();
    long lastNumber = 0;
    byte @Nullable [] last = null;
    List<Row> some;
    do {
      some = view.scan(prefix, last, ROWS_PER_SCAN);
      for (Row row : some) {
        BlockRange range = blocksOf(row);
        if (isOwn(range)) {
          lent.add(range);
          lastNumber = Math.max(lastNumber, numberOf(row.value()));
        }
        last = row.key();
      }
    } while (some.size() == ROWS_PER_SCAN);
    return new Lent(lent, lastNumber);
  }

  /** Whether blocks of one block group are of one that is held, and not a borrowed one. */
  boolean isOwn(BlockRange range) {
    HeldBlockGroup held = heldBlockGroup(groupOf(range.address()));
    return held != null && held.getLender() == 0;
  }

  /** What of blocks of a lender's is not lent to this raft group, as far as its rows say. */
  public List<BlockRange> notBorrowed(int lender, BlockRange range) {
    List<BlockRange> missing = new ArrayList<>();
    for (BlockRange part : range.cutAtEvery(VolumeLayout.GROUP_BLOCKS)) {
      if (heldBlockGroup(groupOf(part.address())) == null) {
        missing.add(part);
        continue;
      }
      long end = part.address() + part.count();
      for (long at = part.address(); at < end; ) {
        BlockRange foreign = reservationAt(holder(lender), at);
        if (foreign == null) {
          BlockRange next = reservationBehind(holder(lender), at);
          at = next == null ? end : next.address();
          continue;
        }
        long to = Math.min(end, foreign.address() + foreign.count());
        missing.add(new BlockRange(at, (int) (to - at)));
        at = to;
      }
    }
    return missing;
  }

  /** The blocks of a row of reserved blocks, or of blocks in quarantine. */
  public static BlockRange blocksOf(Row row) {
    return new BlockRange(
        Keys.addressOf(row.key()), Namespace.parse(row.value(), BlockCount.parser()).getCount());
  }
}

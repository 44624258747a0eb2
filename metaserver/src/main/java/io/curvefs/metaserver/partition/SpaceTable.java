package io.curvefs.metaserver.partition;

import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.BlockCount;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.HeldBlockGroup;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import io.curvefs.space.bitmap.Bitmap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rows of the space on volumes: bitmaps, held block groups, reservations, quarantine.
 * Invariant: a bit is set exactly when its block is reserved, belongs to a file (a deleted one that
 * is not freed yet included) or is in quarantine, and it is only one of these; the counters of each
 * block group are the sums. What is another raft group's for now is reserved in its name ({@link
 * SpaceRows#holder}). Blocks of files are known to their chunks alone: who takes one out of a chunk
 * puts it into quarantine in the same entry.
 */
final class SpaceTable {
  private static final int ROWS_PER_SCAN = 1000;

  private final WriteSet rows;
  private final int fileSystem;
  private final long logIndex;
  private final SpaceRows space;
  private final List<BlockRange> freed = new ArrayList<>();

  SpaceTable(WriteSet rows, int fileSystem, long logIndex) {
    this.rows = rows;
    this.fileSystem = fileSystem;
    this.logIndex = logIndex;
    this.space = new SpaceRows(rows, fileSystem);
  }

  /** The blocks whose bits were cleared here. */
  List<BlockRange> freed() {
    return freed;
  }

  /**
   * Fails unless the file system is here. One that is being dropped has lost some of its rows
   * already: nothing else may touch them.
   */
  void requireFileSystem() throws ConditionFailedException {
    if (!space.isFileSystemHere()) {
      throw ConditionFailedException.conflict(
          "file system " + fileSystem + " is not in this group");
    }
  }

  /** Free blocks become the session's. */
  void reserve(int session, BlockRange range) throws ConditionFailedException {
    reserve(session, range, 0);
  }

  private void reserve(int session, BlockRange range, long number) throws ConditionFailedException {
    if (!space.isFree(range)) {
      throw ConditionFailedException.conflict("not free: " + range);
    }
    for (BlockRange part : range.cutAtEvery(Bitmap.SEGMENT_BITS)) {
      byte[] segment = segment(part);
      int taken = Bitmap.over(segment).set(SpaceRows.firstInSegment(part), part.count());
      if (taken != Bitmap.DONE) {
        throw new IllegalStateException("just now it was free: " + part);
      }
      rows.put(Keys.bitmapSegment(fileSystem, SpaceRows.segmentOf(part)), segment);
    }
    count(
        range,
        (group, blocks) -> {
          group.setUsed(group.getUsed() + blocks);
          countReserved(group, session, blocks);
        });
    putReservation(session, range, number);
  }

  private static void countReserved(HeldBlockGroup.Builder group, int session, int blocks) {
    group.setReserved(group.getReserved() + blocks);
    if (SpaceRows.groupOfHolder(session) != 0) {
      group.setAway(group.getAway() + blocks);
    }
  }

  /** Reserved blocks become a file's. */
  void use(int session, BlockRange range) throws ConditionFailedException {
    if (!space.isReserved(session, range)) {
      throw ConditionFailedException.conflict("not reserved: " + range);
    }
    takeReserved(session, range, Long.MAX_VALUE);
    count(range, (group, blocks) -> countReserved(group, session, -blocks));
  }

  /** Blocks become free again as far as the session has reserved them. */
  void giveBack(int session, BlockRange range) {
    giveBack(session, range, Long.MAX_VALUE);
  }

  private void giveBack(int session, BlockRange range, long numberMax) {
    for (BlockRange reserved : takeReserved(session, range, numberMax)) {
      count(reserved, (group, blocks) -> countReserved(group, session, -blocks));
      clear(reserved);
    }
  }

  /**
   * Takes blocks out of the session's rows; returns those that were there.
   *
   * @param numberMax rows with a higher number are passed over
   */
  private List<BlockRange> takeReserved(int session, BlockRange range, long numberMax) {
    List<BlockRange> taken = new ArrayList<>();
    long at = range.address();
    long end = at + range.count();
    while (at < end) {
      BlockRange reserved = space.reservationAt(session, at);
      if (reserved == null) {
        BlockRange next = space.reservationBehind(session, at);
        at = next == null ? end : next.address();
        continue;
      }
      long reservedEnd = reserved.address() + reserved.count();
      long to = Math.min(end, reservedEnd);
      byte[] key = Keys.reservation(fileSystem, session, reserved.address());
      long number = SpaceRows.numberOf(rows.get(key));
      if (number <= numberMax) {
        rows.delete(key);
        if (reserved.address() < at) {
          putReservation(session, between(reserved.address(), at), number);
        }
        if (to < reservedEnd) {
          putReservation(session, between(to, reservedEnd), number);
        }
        taken.add(between(at, to));
      }
      at = to;
    }
    return taken;
  }

  private static BlockRange between(long from, long to) {
    return new BlockRange(from, Math.toIntExact(to - from));
  }

  private void putReservation(int session, BlockRange range, long number) {
    rows.put(Keys.reservation(fileSystem, session, range.address()), value(range, number));
  }

  private static byte[] value(BlockRange range, long number) {
    return BlockCount.newBuilder().setCount(range.count()).setNumber(number).build().toByteArray();
  }

  /** All that the session has reserved goes into quarantine: it may have been writing to it. */
  void expire(int session) {
    byte[] prefix = Keys.reservations(fileSystem, session);
    List<BlockRange> reserved = new ArrayList<>();
    byte @Nullable [] last = null;
    List<Row> some;
    do {
      some = rows.scan(prefix, last, ROWS_PER_SCAN);
      for (Row row : some) {
        reserved.add(SpaceRows.blocksOf(row));
        rows.delete(row.key());
        last = row.key();
      }
    } while (some.size() == ROWS_PER_SCAN);
    for (BlockRange range : reserved) {
      count(range, (group, blocks) -> countReserved(group, session, -blocks));
    }
    quarantine(reserved);
  }

  /** Blocks that files had, or sessions. Once for each entry: all of its blocks together. */
  void quarantine(Collection<BlockRange> ranges) {
    for (BlockRange range : BlockRanges.merged(ranges)) {
      rows.put(Keys.quarantine(fileSystem, logIndex, range.address()), value(range, 0));
      count(range, (group, blocks) -> group.setQuarantined(group.getQuarantined() + blocks));
    }
  }

  /** Ends the quarantine of a row; one that is gone is passed over. */
  void release(byte[] key) {
    byte[] value = rows.get(key);
    if (value != null) {
      BlockRange range = SpaceRows.blocksOf(new Row(key, value));
      rows.delete(key);
      count(range, (group, blocks) -> group.setQuarantined(group.getQuarantined() - blocks));
      clear(range);
    }
  }

  private void clear(BlockRange range) {
    for (BlockRange part : range.cutAtEvery(Bitmap.SEGMENT_BITS)) {
      byte[] key = Keys.bitmapSegment(fileSystem, SpaceRows.segmentOf(part));
      byte[] segment = segment(part);
      Bitmap bits = Bitmap.over(segment);
      if (bits.clear(SpaceRows.firstInSegment(part), part.count()) != Bitmap.DONE) {
        throw new IllegalStateException("freed although it is free: " + part);
      }
      if (bits.nextSet(0, bits.length()) == bits.length()) {
        rows.delete(key);
      } else {
        rows.put(key, segment);
      }
    }
    count(
        range,
        (group, blocks) -> {
          group.setUsed(group.getUsed() - blocks);
          group.setReleased(logIndex);
        });
    freed.add(range);
  }

  /** A copy of the bits around a range, which is within one segment. */
  private byte[] segment(BlockRange part) {
    byte @Nullable [] stored = rows.get(Keys.bitmapSegment(fileSystem, SpaceRows.segmentOf(part)));
    return stored == null
        ? new byte[Bitmap.SEGMENT_BYTES]
        : Arrays.copyOf(stored, Bitmap.SEGMENT_BYTES);
  }

  @FunctionalInterface
  private interface Counting {
    void count(HeldBlockGroup.Builder group, int blocks);
  }

  private void count(BlockRange range, Counting counting) {
    for (BlockRange part : range.cutAtEvery(VolumeLayout.GROUP_BLOCKS)) {
      long address = SpaceRows.groupOf(part.address());
      HeldBlockGroup.Builder group = existing(address, part).toBuilder();
      counting.count(group, part.count());
      put(address, group.build());
    }
  }

  private void put(long address, HeldBlockGroup group) {
    rows.put(Keys.heldBlockGroup(fileSystem, address), group.toByteArray());
  }

  /** A block group is held from now on, or has grown. */
  void hold(BlockGroup given) {
    HeldBlockGroup before = space.heldBlockGroup(given.getAddress());
    HeldBlockGroup.Builder group =
        before == null
            ? HeldBlockGroup.newBuilder().setPoolSet(given.getPoolSet())
            : before.toBuilder();
    group.setBlocks(Math.max(group.getBlocks(), given.getBlocks()));
    group.setGiven(Math.max(group.getGiven(), given.getGiven()));
    put(given.getAddress(), group.build());
  }

  /** Free blocks of block groups that are this raft group's become another's for now. */
  void lend(int borrower, BlockRange range) throws ConditionFailedException {
    requireOwn(range, false);
    reserve(SpaceRows.holder(borrower), range, logIndex);
  }

  /** All that a raft group was lent has this entry's number from now on. */
  void renewLoans(int borrower) {
    for (BlockRange range : space.lentTo(borrower).ranges()) {
      putReservation(SpaceRows.holder(borrower), range, logIndex);
    }
  }

  /** The borrower does not use blocks any more. What it was lent later is passed over. */
  void endLoan(int borrower, BlockRange range, long numberMax) {
    for (BlockRange part : range.cutAtEvery(VolumeLayout.GROUP_BLOCKS)) {
      if (space.isOwn(part)) {
        giveBack(SpaceRows.holder(borrower), part, numberMax);
      }
    }
  }

  /**
   * Some blocks of the block group are going to be borrowed. What of it was not known yet has only
   * bits that are set.
   *
   * @param lender the raft group that holds it
   */
  void holdBorrowed(BlockGroup group, int lender, long number) throws ConditionFailedException {
    HeldBlockGroup known = space.heldBlockGroup(group.getAddress());
    HeldBlockGroup before =
        known == null
            ? HeldBlockGroup.newBuilder().setPoolSet(group.getPoolSet()).setLender(lender).build()
            : known;
    if (before.getLender() != lender) {
      throw ConditionFailedException.conflict("not of that lender: " + group.getAddress());
    }
    put(
        group.getAddress(),
        before.toBuilder()
            .setBlocks(Math.max(before.getBlocks(), group.getBlocks()))
            .setGiven(Math.max(before.getGiven(), number))
            .build());
    int more = group.getBlocks() - before.getBlocks();
    if (more > 0) {
      reserve(
          SpaceRows.holder(lender),
          new BlockRange(group.getAddress() + before.getBlocks(), more),
          0);
    }
  }

  /** Blocks of a borrowed block group become free here; the lender has set them aside. */
  void borrow(int lender, BlockRange range) throws ConditionFailedException {
    if (!space.isReserved(SpaceRows.holder(lender), range)) {
      throw ConditionFailedException.conflict("borrowed already: " + range);
    }
    giveBack(SpaceRows.holder(lender), range);
  }

  /** Free blocks are the lender's again. A block group without a borrowed block is forgotten. */
  void returnBorrowed(BlockRange range) throws ConditionFailedException {
    requireOwn(range, true);
    for (BlockRange part : range.cutAtEvery(VolumeLayout.GROUP_BLOCKS)) {
      long address = SpaceRows.groupOf(part.address());
      HeldBlockGroup held = existing(address, part);
      int lender = SpaceRows.holder(held.getLender());
      reserve(lender, part);
      if (existing(address, part).getAway() == held.getBlocks()) {
        takeReserved(lender, new BlockRange(address, held.getBlocks()), Long.MAX_VALUE);
        for (BlockRange segment :
            new BlockRange(address, held.getBlocks()).cutAtEvery(Bitmap.SEGMENT_BITS)) {
          rows.delete(Keys.bitmapSegment(fileSystem, segment.address()));
        }
        rows.delete(Keys.heldBlockGroup(fileSystem, address));
      }
    }
  }

  private void requireOwn(BlockRange range, boolean borrowed) throws ConditionFailedException {
    for (BlockRange part : range.cutAtEvery(VolumeLayout.GROUP_BLOCKS)) {
      HeldBlockGroup held = space.heldBlockGroup(SpaceRows.groupOf(part.address()));
      if (held == null || (held.getLender() != 0) != borrowed) {
        throw ConditionFailedException.conflict(
            (borrowed ? "not borrowed: " : "not of a block group of its own: ") + part);
      }
    }
  }

  private HeldBlockGroup existing(long address, BlockRange part) {
    HeldBlockGroup held = space.heldBlockGroup(address);
    if (held == null) {
      throw new IllegalStateException("in use although it is not held: " + part);
    }
    return held;
  }

  /** A block group is held no more if none of its bits is set. */
  void drop(long address) {
    HeldBlockGroup held = space.heldBlockGroup(address);
    if (held != null && held.getUsed() == 0 && held.getLender() == 0) {
      rows.delete(Keys.heldBlockGroup(fileSystem, address));
    }
  }
}

package io.curvefs.metaserver.partition;

import io.curvefs.id.InodeId;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.Chunk;
import io.curvefs.proto.HeldBlockGroup;
import io.curvefs.proto.Inode;
import io.curvefs.proto.LoanCheck;
import io.curvefs.proto.SpaceCheck;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import io.curvefs.space.bitmap.Bitmap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Looks whether the rows of the space on volumes of one file system agree: every bit that is set
 * has one owner, every owner's bit is set, every counter is the sum. The view must not change
 * meanwhile. Holds 8 KiB for each block group.
 */
public final class SpaceAudit {
  private static final int ROWS_PER_SCAN = 1000;
  private static final int PROBLEMS_MAX = 100;

  private final View view;
  private final int fileSystem;
  private final Namespace namespace;
  private final SpaceCheck.Builder check = SpaceCheck.newBuilder();
  private final Map<Long, Tally> groups = new TreeMap<>();

  /** By the other raft group. */
  private final Map<Integer, LoanCheck.Builder> loans = new TreeMap<>();

  /** What is found of one block group. */
  private static final class Tally {
    final HeldBlockGroup group;
    final Bitmap set;
    final Bitmap owned;
    long reserved;
    long away;
    long quarantined;

    Tally(HeldBlockGroup group, Bitmap set) {
      this.group = group;
      this.set = set;
      this.owned = Bitmap.ofBits(set.length());
    }
  }

  private SpaceAudit(View view, int fileSystem) {
    this.view = view;
    this.fileSystem = fileSystem;
    this.namespace = new Namespace(view, fileSystem);
  }

  public static SpaceCheck check(View view, int fileSystem) {
    return new SpaceAudit(view, fileSystem).check();
  }

  private SpaceCheck check() {
    SpaceRows space = new SpaceRows(view, fileSystem);
    for (SpaceRows.Held held : space.heldBlockGroups()) {
      groups.put(held.address(), new Tally(held.group(), space.bitmap(held)));
      beginLoan(held.address(), held.group());
    }
    countFiles();
    checkEmptyFiles();
    forEachRow(
        Keys.reservations(fileSystem),
        row -> {
          BlockRange range = SpaceRows.blocksOf(row);
          int session = Keys.sessionOfReservation(row.key());
          int group = SpaceRows.groupOfHolder(session);
          if (group == 0) {
            check.setReserved(check.getReserved() + range.count());
          } else {
            countLoan(group, range);
          }
          own(range, group == 0 ? "session " + session : "raft group " + group);
          tally(
              range,
              (tally, blocks) -> {
                tally.reserved += blocks;
                tally.away += group == 0 ? 0 : blocks;
              });
        });
    forEachRow(
        Keys.quarantine(fileSystem),
        row -> {
          BlockRange range = SpaceRows.blocksOf(row);
          check.setQuarantined(check.getQuarantined() + range.count());
          own(range, "the quarantine");
          tally(range, (tally, blocks) -> tally.quarantined += blocks);
        });
    checkUnknownSegments();
    groups.forEach(this::compare);
    loans.forEach((group, loan) -> check.addLoans(loan.setGroup(group)));
    return check.build();
  }

  /** A borrowed block group as a whole; what of it was not lent is taken off again. */
  private void beginLoan(long address, HeldBlockGroup group) {
    if (group.getLender() != 0) {
      LoanCheck.Builder loan = loan(group.getLender());
      loan.setBorrowed(loan.getBorrowed() + group.getBlocks());
      loan.setBorrowedSum(loan.getBorrowedSum() + sum(new BlockRange(address, group.getBlocks())));
    }
  }

  private void countLoan(int group, BlockRange range) {
    LoanCheck.Builder loan = loan(group);
    for (BlockRange part : range.cutAtEvery(VolumeLayout.GROUP_BLOCKS)) {
      Tally tally = groups.get(SpaceRows.groupOf(part.address()));
      if (tally != null && tally.group.getLender() != 0) {
        loan.setBorrowed(loan.getBorrowed() - part.count());
        loan.setBorrowedSum(loan.getBorrowedSum() - sum(part));
      } else {
        loan.setLent(loan.getLent() + part.count());
        loan.setLentSum(loan.getLentSum() + sum(part));
      }
    }
  }

  private LoanCheck.Builder loan(int group) {
    return loans.computeIfAbsent(group, absent -> LoanCheck.newBuilder());
  }

  /** Of the addresses of all blocks; wraps. */
  private static long sum(BlockRange range) {
    return range.count() * range.address() + (long) range.count() * (range.count() - 1) / 2;
  }

  private void forEachRow(byte[] prefix, Consumer<Row> action) {
    byte @Nullable [] last = null;
    List<Row> some;
    do {
      some = view.scan(prefix, last, ROWS_PER_SCAN);
      for (Row row : some) {
        action.accept(row);
        last = row.key();
      }
    } while (some.size() == ROWS_PER_SCAN);
  }

  /** The blocks of one file, chunk by chunk. */
  private static final class FileCount {
    long inode;
    boolean reachable;
    long blocks;
  }

  private void countFiles() {
    FileCount file = new FileCount();
    forEachRow(
        Keys.chunks(fileSystem),
        row -> {
          Chunk chunk = Namespace.parse(row.value(), Chunk.parser());
          if (chunk.getBlocksCount() == 0) {
            return;
          }
          if (Keys.inodeOf(row.key()) != file.inode) {
            checkAllocated(file);
            begin(file, Keys.inodeOf(row.key()));
          }
          for (BlockExtent extent : chunk.getBlocksList()) {
            file.blocks += extent.getCount();
            if (file.reachable) {
              check.setExtents(check.getExtents() + 1);
              check.setUsed(check.getUsed() + extent.getCount());
              own(BlockRanges.of(extent), "inode " + file.inode);
            }
          }
        });
    checkAllocated(file);
  }

  private void begin(FileCount file, long inode) {
    file.inode = inode;
    file.blocks = 0;
    file.reachable =
        namespace.inode(new InodeId(inode)) != null
            || !view.scan(Keys.garbageOf(fileSystem, inode), null, 1).isEmpty();
    if (file.reachable) {
      check.setFiles(check.getFiles() + 1);
    } else {
      problem("inode " + inode + " does not exist, but its chunks do");
    }
  }

  private void checkAllocated(FileCount file) {
    Inode inode = file.inode == 0 ? null : namespace.inode(new InodeId(file.inode));
    if (inode != null && inode.getAllocated() != file.blocks * VolumeLayout.BLOCK_BYTES) {
      problem(
          "inode %d has %d blocks, but says that it has %d bytes"
              .formatted(file.inode, file.blocks, inode.getAllocated()));
    }
  }

  private void checkEmptyFiles() {
    forEachRow(
        Keys.inodes(fileSystem),
        row -> {
          Inode inode = Namespace.parse(row.value(), Inode.parser());
          if (inode.getAllocated() != 0
              && namespace.chunksFrom(new InodeId(inode.getId()), 0, 1).isEmpty()) {
            problem(
                "inode %d has no blocks, but says that it has %d bytes"
                    .formatted(inode.getId(), inode.getAllocated()));
          }
        });
  }

  private void own(BlockRange range, String owner) {
    for (BlockRange part : range.cutAtEvery(VolumeLayout.GROUP_BLOCKS)) {
      Tally tally = groups.get(SpaceRows.groupOf(part.address()));
      int end = part.firstInGroup() + part.count();
      if (tally == null || end > tally.owned.length()) {
        check.setUnmarked(check.getUnmarked() + part.count());
        problem(owner + " has blocks " + part + " of a block group that is not held");
        continue;
      }
      for (int at = part.firstInGroup(); at < end; ) {
        int taken = tally.owned.nextSet(at, end);
        if (taken > at && tally.owned.set(at, taken - at) != Bitmap.DONE) {
          throw new IllegalStateException("just now they were clear");
        }
        at = tally.owned.nextClear(taken, end);
        if (at > taken) {
          check.setDoublyOwned(check.getDoublyOwned() + at - taken);
          BlockRange both = part.part(taken - part.firstInGroup(), at - taken);
          problem("blocks " + both + " belong to " + owner + ", and to another as well");
        }
      }
    }
  }

  @FunctionalInterface
  private interface Tallying {
    void add(Tally tally, int blocks);
  }

  private void tally(BlockRange range, Tallying tallying) {
    for (BlockRange part : range.cutAtEvery(VolumeLayout.GROUP_BLOCKS)) {
      Tally tally = groups.get(SpaceRows.groupOf(part.address()));
      if (tally != null) {
        tallying.add(tally, part.count());
      }
    }
  }

  private void checkUnknownSegments() {
    forEachRow(
        Keys.bitmaps(fileSystem),
        row -> {
          long address = Keys.addressOf(row.key());
          if (!groups.containsKey(SpaceRows.groupOf(address))) {
            check.setLeaked(check.getLeaked() + Bitmap.over(row.value()).count());
            problem("bits of " + new BlockRange(address, 1) + " on, whose block group is not held");
          }
        });
  }

  private void compare(long address, Tally tally) {
    int length = tally.set.length();
    check.setSet(check.getSet() + tally.set.count() - tally.away);
    if (!tally.set.equals(tally.owned)) {
      for (int bit = 0; bit < length; bit++) {
        boolean set = tally.set.isSet(bit);
        if (set != tally.owned.isSet(bit)) {
          if (set) {
            check.setLeaked(check.getLeaked() + 1);
          } else {
            check.setUnmarked(check.getUnmarked() + 1);
          }
          problem(
              "block %s %s"
                  .formatted(
                      new BlockRange(address + bit, 1),
                      set ? "is in use by nobody" : "is in use, but its bit is clear"));
        }
      }
    }
    HeldBlockGroup group = tally.group;
    if (group.getUsed() != tally.set.count()
        || group.getReserved() != tally.reserved
        || group.getAway() != tally.away
        || group.getQuarantined() != tally.quarantined) {
      problem(
          ("block group of %s counts %d set, %d reserved, %d of them elsewhere, %d in quarantine,"
                  + " but has %d, %d, %d, %d")
              .formatted(
                  new BlockRange(address, 1),
                  group.getUsed(),
                  group.getReserved(),
                  group.getAway(),
                  group.getQuarantined(),
                  tally.set.count(),
                  tally.reserved,
                  tally.away,
                  tally.quarantined));
    }
  }

  private void problem(String text) {
    if (check.getProblemsCount() < PROBLEMS_MAX) {
      check.addProblems(text);
    }
  }
}

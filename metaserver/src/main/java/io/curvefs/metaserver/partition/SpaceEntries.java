package io.curvefs.metaserver.partition;

import com.google.protobuf.ByteString;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.BorrowBlocks;
import io.curvefs.proto.Chunk;
import io.curvefs.proto.DropBlockGroups;
import io.curvefs.proto.EndLoans;
import io.curvefs.proto.FreeChunks;
import io.curvefs.proto.HoldBlockGroups;
import io.curvefs.proto.LendBlocks;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.ReleaseQuarantine;
import io.curvefs.proto.ReturnBorrowed;
import io.curvefs.space.BlockRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What entries of the server's own do to the space on volumes. A file system that is not here (any
 * more) is left alone.
 */
final class SpaceEntries {
  private final WriteSet rows;
  private final long logIndex;

  SpaceEntries(WriteSet rows, long logIndex) {
    this.rows = rows;
    this.logIndex = logIndex;
  }

  Outcome hold(HoldBlockGroups hold) throws ConditionFailedException {
    SpaceTable space = table(hold.getFileSystem());
    space.requireFileSystem();
    for (BlockGroup group : hold.getGroupsList()) {
      space.hold(group);
    }
    return Slots.outcome(Outcome.Kind.APPLIED);
  }

  Outcome drop(DropBlockGroups drop) throws ConditionFailedException {
    SpaceTable space = table(drop.getFileSystem());
    space.requireFileSystem();
    for (long address : drop.getAddressesList()) {
      space.drop(address);
    }
    return Slots.outcome(Outcome.Kind.APPLIED);
  }

  Outcome lend(LendBlocks lend) throws ConditionFailedException {
    SpaceTable space = table(lend.getFileSystem());
    space.requireFileSystem();
    for (BlockRange range : BlockRanges.of(lend.getRangesList())) {
      space.lend(lend.getBorrower(), range);
    }
    if (lend.getRenew()) {
      space.renewLoans(lend.getBorrower());
    }
    return Slots.outcome(Outcome.Kind.APPLIED).toBuilder().setNumber(logIndex).build();
  }

  Outcome borrow(BorrowBlocks borrow) throws ConditionFailedException {
    SpaceTable space = table(borrow.getFileSystem());
    space.requireFileSystem();
    for (BlockGroup group : borrow.getGroupsList()) {
      space.holdBorrowed(group, borrow.getLender(), borrow.getNumber());
    }
    for (BlockRange range : BlockRanges.of(borrow.getRangesList())) {
      space.borrow(borrow.getLender(), range);
    }
    return freed(space);
  }

  Outcome returnBorrowed(ReturnBorrowed back) throws ConditionFailedException {
    SpaceTable space = table(back.getFileSystem());
    space.requireFileSystem();
    for (BlockRange range : BlockRanges.of(back.getRangesList())) {
      space.returnBorrowed(range);
    }
    return Slots.outcome(Outcome.Kind.APPLIED);
  }

  Outcome endLoans(EndLoans end) throws ConditionFailedException {
    SpaceTable space = table(end.getFileSystem());
    space.requireFileSystem();
    for (BlockRange range : BlockRanges.of(end.getRangesList())) {
      space.endLoan(end.getBorrower(), range, end.getNumberMax());
    }
    return freed(space);
  }

  private static Outcome freed(SpaceTable space) {
    return Outcome.newBuilder()
        .setKind(Outcome.Kind.APPLIED)
        .addAllFreed(space.freed().stream().map(BlockRanges::message).toList())
        .build();
  }

  /** A chunk that is gone was freed before. */
  Outcome freeChunks(FreeChunks free) {
    Map<Integer, List<BlockRange>> byFileSystem = new TreeMap<>();
    for (ByteString chunkKey : free.getChunkKeysList()) {
      byte[] key = chunkKey.toByteArray();
      byte[] value = rows.get(key);
      if (value != null && isHere(key)) {
        List<BlockRange> blocks =
            byFileSystem.computeIfAbsent(Keys.fileSystemOf(key), f -> new ArrayList<>());
        for (BlockExtent extent : Namespace.parse(value, Chunk.parser()).getBlocksList()) {
          blocks.add(BlockRanges.of(extent));
        }
        rows.delete(key);
      }
    }
    byFileSystem.forEach((fileSystem, blocks) -> table(fileSystem).quarantine(blocks));
    for (ByteString key : free.getGarbageKeysList()) {
      rows.delete(key.toByteArray());
    }
    return Slots.outcome(Outcome.Kind.APPLIED);
  }

  /** A row that is gone was released before. */
  Outcome release(ReleaseQuarantine release) throws ConditionFailedException {
    SpaceTable space = table(release.getFileSystem());
    space.requireFileSystem();
    for (ByteString key : release.getKeysList()) {
      space.release(key.toByteArray());
    }
    return freed(space);
  }

  /** What a session has reserved in any file system goes into quarantine. */
  void expire(int session) {
    byte @Nullable [] behind = null;
    while (true) {
      List<Row> next = rows.scan(Keys.reservations(), behind, 1);
      if (next.isEmpty()) {
        return;
      }
      int fileSystem = Keys.fileSystemOf(next.get(0).key());
      if (isHere(next.get(0).key())) {
        table(fileSystem).expire(session);
      }
      behind = Keys.reservations(fileSystem + 1);
    }
  }

  private boolean isHere(byte[] key) {
    return new SpaceRows(rows, Keys.fileSystemOf(key)).isFileSystemHere();
  }

  private SpaceTable table(int fileSystem) {
    return new SpaceTable(rows, fileSystem, logIndex);
  }
}

package io.curvefs.metaserver.service;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.curvefs.id.GroupId;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.SpaceAudit;
import io.curvefs.metaserver.partition.SpaceRows;
import io.curvefs.metaserver.space.Pool;
import io.curvefs.metaserver.store.StateStore;
import io.curvefs.proto.BlockGroupUsage;
import io.curvefs.proto.Discards;
import io.curvefs.proto.GetDiscards;
import io.curvefs.proto.HeldBlockGroup;
import io.curvefs.proto.ReadReply;
import io.curvefs.proto.ReadRequest;
import io.curvefs.proto.SpaceUsage;
import io.curvefs.space.bitmap.Bitmap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** What the leader of a group says of its space on volumes. Thread-safe. */
final class SpaceReads {
  /** Checks whose answers are kept for those who ask again. */
  private static final int CHECKS_KEPT = 16;

  private final Executor readers;
  private final Executor checkers;

  private record CheckId(GroupId group, int fileSystem, long number) {}

  /** The newest checks, running or done. An asker's patience is shorter than some of them take. */
  @GuardedBy("this")
  private final Map<CheckId, CompletableFuture<ReadReply>> checks = new LinkedHashMap<>();

  /**
   * @param readers run reads of many rows
   * @param checkers run what reads all rows of a file system
   */
  SpaceReads(Executor readers, Executor checkers) {
    this.readers = readers;
    this.checkers = checkers;
  }

  CompletableFuture<ReadReply> handle(DataGroup group, Leadership leadership, ReadRequest request) {
    int fileSystem = request.getTarget().getFileSystem();
    if (request.hasCheckSpace()) {
      return check(group, new CheckId(group.id(), fileSystem, request.getCheckSpace().getNumber()));
    }
    if (request.hasGetDiscards()) {
      return discards(group, leadership, request);
    }
    boolean bitmaps = request.getGetSpace().getByBlockGroup();
    return group
        .barrier(leadership)
        .thenApplyAsync(
            passed -> {
              try (StateStore.FrozenRows rows = group.raft().freezeRows()) {
                return usage(new SpaceRows(rows, fileSystem), leadership, fileSystem, bitmaps);
              }
            },
            readers);
  }

  /** Behind a barrier: a server that leads no more, and does not know it, must hand out nothing. */
  private CompletableFuture<ReadReply> discards(
      DataGroup group, Leadership leadership, ReadRequest request) {
    int fileSystem = request.getTarget().getFileSystem();
    SessionId session = new SessionId(request.getTarget().getSession());
    GetDiscards get = request.getGetDiscards();
    return group
        .barrier(leadership)
        .thenApplyAsync(
            passed -> {
              leadership.discards().done(session, get.getDoneList());
              Discards.Builder discards =
                  Discards.newBuilder()
                      .addAllHanded(
                          leadership.discards().hand(fileSystem, session, get.getRangesMax()));
              for (SpaceRows.Held held :
                  new SpaceRows(group.rows(), fileSystem).heldBlockGroups()) {
                discards.setResting(discards.getResting() + held.group().getQuarantined());
              }
              return ReadReply.newBuilder().setDiscards(discards).build();
            },
            readers);
  }

  private synchronized CompletableFuture<ReadReply> check(DataGroup group, CheckId id) {
    CompletableFuture<ReadReply> known = id.number == 0 ? null : checks.get(id);
    if (known != null && !known.isCompletedExceptionally()) {
      return known.copy();
    }
    CompletableFuture<ReadReply> check =
        group
            .raft()
            .readBarrier()
            .thenApplyAsync(
                passed -> {
                  try (StateStore.FrozenRows rows = group.raft().freezeRows()) {
                    return ReadReply.newBuilder()
                        .setSpaceCheck(SpaceAudit.check(rows, id.fileSystem))
                        .build();
                  }
                },
                checkers);
    checks.remove(id);
    checks.put(id, check);
    if (checks.size() > CHECKS_KEPT) {
      checks.remove(checks.keySet().iterator().next());
    }
    return check.copy();
  }

  private static ReadReply usage(
      SpaceRows space, Leadership leadership, int fileSystem, boolean bitmaps) {
    Map<String, SpaceUsage.Builder> pools = new TreeMap<>();
    for (SpaceRows.Held held : space.heldBlockGroups()) {
      HeldBlockGroup counted = held.group();
      SpaceUsage.Builder pool =
          pools.computeIfAbsent(
              counted.getPoolSet(), name -> SpaceUsage.newBuilder().setPoolSet(name));
      pool.setTotal(pool.getTotal() + held.own());
      pool.setLent(pool.getLent() + held.lent());
      pool.setBorrowed(pool.getBorrowed() + held.borrowed());
      pool.setUsed(pool.getUsed() + held.ofFiles());
      pool.setReserved(pool.getReserved() + held.ofSessions());
      pool.setQuarantined(pool.getQuarantined() + counted.getQuarantined());
      if (bitmaps) {
        pool.addBlockGroups(usage(held, space.bitmap(held)));
      }
    }
    ReadReply.Builder reply = ReadReply.newBuilder();
    pools.forEach(
        (name, pool) ->
            reply.addSpace(
                pool.setLargestFree(leadership.space().longestFree(new Pool(fileSystem, name)))));
    return reply.build();
  }

  private static BlockGroupUsage usage(SpaceRows.Held held, Bitmap bitmap) {
    ByteString bits = ByteString.EMPTY;
    for (int i = 0; i < bitmap.segments(); i++) {
      bits = bits.concat(UnsafeByteOperations.unsafeWrap(bitmap.segment(i)));
    }
    return BlockGroupUsage.newBuilder()
        .setAddress(held.address())
        .setBlocks(held.group().getBlocks())
        .setSet(bitmap.count())
        .setLargestFree(bitmap.longestClearRun())
        .setBitmap(bits)
        .setReleased(held.group().getReleased())
        .setLender(held.group().getLender())
        .build();
  }
}

package io.curvefs.metaserver.supply;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.id.GroupId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.space.Pool;
import io.curvefs.proto.AssignBlockGroups;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.HoldBlockGroups;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.Outcome;
import io.curvefs.rpc.RefusalReply;
import io.curvefs.space.VolumeLayout;
import io.curvefs.time.WallClock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gets block groups for the raft groups that this server leads: when somebody needs blocks and
 * there are none, and before that when few are left. One question at a time for each group and
 * pool; who comes meanwhile waits for the same answer. Never blocks. Thread-safe.
 */
public final class SpaceSupply {
  private static final Logger log = LoggerFactory.getLogger(SpaceSupply.class);

  /** So many free blocks (64 MiB) are to be there before somebody asks for them. */
  private static final int FREE_BLOCKS_MIN = VolumeLayout.GROUP_BLOCKS / 2;

  /** Block groups of one question that is asked ahead of need. */
  private static final int GROUPS_MAX = 16;

  /** Who asks again so soon uses much and gets twice as many. */
  private static final Duration SOON = Duration.ofSeconds(2);

  /** How long it is believed that nothing is left. */
  private static final Duration NOTHING_LEFT = Duration.ofMillis(500);

  private final BlockGroupSource source;
  private final Loans loans;
  private final LongSupplier nanoTime;
  private final Map<Line, Asking> lines = new ConcurrentHashMap<>();

  private record Line(GroupId group, Pool pool) {}

  /**
   * @param loans has blocks when the coordinator has no block group left
   * @param nanoTime the monotonic clock, {@link System#nanoTime} outside of tests
   */
  public SpaceSupply(BlockGroupSource source, Loans loans, LongSupplier nanoTime) {
    this.source = source;
    this.loans = loans;
    this.nanoTime = nanoTime;
  }

  /**
   * Gets block groups, or blocks of other raft groups, because somebody waits for them.
   *
   * @param blocks that are needed
   */
  public CompletableFuture<Loans.Supplied> more(
      DataGroup group, Leadership leadership, Pool pool, int blocks) {
    return moreBlockGroups(group, leadership, pool, blocks)
        .thenCompose(
            supplied ->
                supplied == Loans.Supplied.SOME
                    ? CompletableFuture.completedFuture(supplied)
                    : loans.borrow(group, leadership, pool, blocks));
  }

  /** As {@link #more}, but borrows nothing: of the coordinator alone. */
  public CompletableFuture<Loans.Supplied> moreBlockGroups(
      DataGroup group, Leadership leadership, Pool pool, int blocks) {
    int needed = (blocks + VolumeLayout.GROUP_BLOCKS - 1) / VolumeLayout.GROUP_BLOCKS;
    return asking(group, leadership, pool)
        .ask(needed)
        .thenApply(came -> came ? Loans.Supplied.SOME : Loans.Supplied.NONE);
  }

  /** Gets block groups in the background if few blocks are left. */
  public void ahead(DataGroup group, Leadership leadership, Pool pool) {
    if (leadership.space().free(pool) < FREE_BLOCKS_MIN) {
      asking(group, leadership, pool)
          .ask(1)
          .exceptionally(
              failure -> {
                log.debug("group {}: no block groups now: {}", group.id(), failure.toString());
                return false;
              });
    }
  }

  private Asking asking(DataGroup group, Leadership leadership, Pool pool) {
    return lines.compute(
        new Line(group.id(), pool),
        (line, known) ->
            known != null && known.leadership == leadership
                ? known
                : new Asking(group, leadership, pool));
  }

  /** What a leader asks for one pool. */
  private final class Asking {
    private final DataGroup group;
    private final Leadership leadership;
    private final Pool pool;

    @GuardedBy("this")
    private @Nullable CompletableFuture<Boolean> current;

    @GuardedBy("this")
    private int count;

    @GuardedBy("this")
    private long answeredAt;

    @GuardedBy("this")
    private boolean answered;

    @GuardedBy("this")
    private boolean nothingLeft;

    Asking(DataGroup group, Leadership leadership, Pool pool) {
      this.group = group;
      this.leadership = leadership;
      this.pool = pool;
    }

    CompletableFuture<Boolean> ask(int needed) {
      CompletableFuture<Boolean> mine = new CompletableFuture<>();
      int asked;
      synchronized (this) {
        if (current != null) {
          return current;
        }
        long age = nanoTime.getAsLong() - answeredAt;
        if (answered && nothingLeft && age < NOTHING_LEFT.toNanos()) {
          return CompletableFuture.completedFuture(false);
        }
        boolean soon = answered && age < SOON.toNanos();
        count = Math.max(needed, soon ? Math.min(GROUPS_MAX, 2 * count) : 1);
        asked = count;
        current = mine;
      }
      source
          .assign(
              AssignBlockGroups.newBuilder()
                  .setFileSystem(pool.fileSystem())
                  .setGroup(group.id().value())
                  .setPoolSet(pool.poolSet())
                  .setCount(asked)
                  .build())
          .thenCompose(given -> hold(group, leadership, pool.fileSystem(), given))
          .whenComplete(
              (came, failure) -> {
                conclude(came);
                if (failure != null) {
                  mine.completeExceptionally(RefusalReply.unwrap(failure));
                } else {
                  mine.complete(came);
                }
              });
      return mine;
    }

    private synchronized void conclude(@Nullable Boolean came) {
      current = null;
      answered = came != null;
      answeredAt = nanoTime.getAsLong();
      nothingLeft = came != null && !came;
      if (came != null) {
        leadership.space().setExhausted(pool, !came);
      }
    }
  }

  /**
   * Logs that the group holds what was given to it.
   *
   * @return whether it holds some of it now
   */
  static CompletableFuture<Boolean> hold(
      DataGroup group, Leadership leadership, int fileSystem, List<BlockGroup> given) {
    if (given.isEmpty()) {
      return CompletableFuture.completedFuture(false);
    }
    LogEntry entry =
        LogEntry.newBuilder()
            .setTime(WallClock.SYSTEM.now())
            .setHoldBlockGroups(
                HoldBlockGroups.newBuilder().setFileSystem(fileSystem).addAllGroups(given))
            .build();
    log.debug("group {}: {} block groups more", group.id(), given.size());
    return group
        .propose(leadership, entry)
        .thenApply(outcome -> outcome.getKind() == Outcome.Kind.APPLIED);
  }
}

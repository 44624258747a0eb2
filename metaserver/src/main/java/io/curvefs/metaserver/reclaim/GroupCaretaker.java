package io.curvefs.metaserver.reclaim;

import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.supply.BlockGroupKeeper;
import io.curvefs.metaserver.supply.Loans;
import io.curvefs.metaserver.transaction.TransactionFinisher;
import io.curvefs.proto.FileSystem;
import java.io.IOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Goes round the groups that this server leads and does what has piled up. */
public final class GroupCaretaker implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(GroupCaretaker.class);
  private static final int ROUND_MILLIS = 1000;

  /** Between two looks for sessions that ended behind a group's back, which is rare. */
  private static final int SESSIONS_ROUND_MILLIS = 10_000;

  /** Between two comparisons of what a group holds and what the coordinator has given to it. */
  private static final int BLOCK_GROUPS_ROUND_MILLIS = 30_000;

  /** Steps of one kind of work in one group before the next has its turn. */
  private static final int STEPS_MAX = 50;

  private final Supplier<Collection<DataGroup>> groups;
  private final Supplier<Map<Integer, FileSystem>> fileSystems;
  private final TransactionFinisher transactions;
  private final OrphanReclaim orphans = new OrphanReclaim();
  private final GarbageCollector garbage;
  private final Compactor compactor;
  private final DeletedBlocks deletedBlocks = new DeletedBlocks();
  private final RestedBlocks restedBlocks;
  private final BlockGroupKeeper blockGroups;
  private final Loans loans;
  private final Map<Round, Round.Begun> blockGroupRounds = new HashMap<>();
  private final LongSupplier nanoTime;
  private final EndedSessions endedSessions;
  private final ScheduledExecutorService threads;

  /**
   * @param fileSystems that can be used now, by id
   * @param isLive the coordinator's word on a session. No may only be said by one who asked it
   *     after the call
   * @param nanoTime the monotonic clock, {@link System#nanoTime} outside of tests
   * @param threads four, so that neither a bucket nor a coordinator that hangs holds up
   *     transactions; closed with this
   */
  public GroupCaretaker(
      Supplier<Collection<DataGroup>> groups,
      Supplier<Map<Integer, FileSystem>> fileSystems,
      TransactionFinisher transactions,
      ObjectStores stores,
      Function<SessionId, CompletableFuture<Boolean>> isLive,
      BlockGroupKeeper blockGroups,
      Loans loans,
      LongSupplier nanoTime,
      ScheduledExecutorService threads) {
    this.groups = groups;
    this.fileSystems = fileSystems;
    this.transactions = transactions;
    this.garbage = new GarbageCollector(stores);
    this.compactor = new Compactor(stores);
    this.endedSessions = new EndedSessions(isLive);
    this.blockGroups = blockGroups;
    this.loans = loans;
    this.nanoTime = nanoTime;
    this.restedBlocks = new RestedBlocks(nanoTime);
    this.threads = threads;
  }

  public void start() {
    every(ROUND_MILLIS, this::endTransactionsAndOrphans);
    every(ROUND_MILLIS, this::tidyObjects);
    every(ROUND_MILLIS, this::tidyVolumes);
    every(SESSIONS_ROUND_MILLIS, endedSessions::expire);
  }

  private void every(int millis, GroupWork work) {
    threads.scheduleWithFixedDelay(
        () -> {
          for (DataGroup group : groups.get()) {
            Leadership leadership = group.leadership();
            if (leadership != null) {
              attempt(group, () -> work.run(group, leadership));
            }
          }
        },
        millis,
        millis,
        TimeUnit.MILLISECONDS);
  }

  private void endTransactionsAndOrphans(DataGroup group, Leadership leadership)
      throws IOException {
    transactions.resume(group, leadership);
    repeat(() -> orphans.reclaim(group, leadership));
  }

  private void tidyObjects(DataGroup group, Leadership leadership) {
    Map<Integer, FileSystem> known = fileSystems.get();
    for (FileSystem fileSystem : known.values()) {
      if (fileSystem.hasVolumeStorage()) {
        continue;
      }
      attempt(group, () -> repeat(() -> garbage.collect(group, leadership, fileSystem)));
    }
    for (Leadership.TouchedChunk chunk : leadership.takeTouched()) {
      FileSystem fileSystem = known.get(chunk.fileSystem());
      if (fileSystem != null && !fileSystem.hasVolumeStorage()) {
        attempt(group, () -> compactor.compact(group, leadership, fileSystem, chunk));
      }
    }
  }

  private void tidyVolumes(DataGroup group, Leadership leadership) {
    restedBlocks.note(group, leadership);
    for (FileSystem fileSystem : fileSystems.get().values()) {
      if (fileSystem.hasVolumeStorage()) {
        int id = fileSystem.getId();
        attempt(group, () -> repeat(() -> deletedBlocks.free(group, leadership, id)));
        attempt(group, () -> repeat(() -> restedBlocks.release(group, leadership, fileSystem)));
        tidyBlockGroups(group, leadership, id);
      }
    }
  }

  /** Soon after a term begins, and now and then. */
  private void tidyBlockGroups(DataGroup group, Leadership leadership, int fileSystem) {
    Round key = new Round(group.id(), fileSystem);
    Round.Begun last = blockGroupRounds.get(key);
    long now = nanoTime.getAsLong();
    if (last == null
        || last.leadership() != leadership
        || now - last.nanos() >= TimeUnit.MILLISECONDS.toNanos(BLOCK_GROUPS_ROUND_MILLIS)) {
      blockGroupRounds.put(key, new Round.Begun(leadership, now));
      later(group, blockGroups.reconcile(group, leadership, fileSystem));
      later(group, blockGroups.giveBack(group, leadership, fileSystem));
      later(group, loans.reconcile(group, leadership, fileSystem));
    }
    later(group, loans.giveBack(group, leadership, fileSystem));
  }

  private static void later(DataGroup group, CompletableFuture<?> work) {
    work.whenComplete(
        (done, failure) -> {
          if (failure != null) {
            log.debug("group {}: block groups later: {}", group.id(), failure.toString());
          }
        });
  }

  /** What is done now and then for one file system in one group. */
  private record Round(GroupId group, int fileSystem) {
    private record Begun(Leadership leadership, long nanos) {}
  }

  @FunctionalInterface
  private interface GroupWork {
    void run(DataGroup group, Leadership leadership) throws IOException;
  }

  @FunctionalInterface
  private interface Work {
    void run() throws IOException;
  }

  private static void attempt(DataGroup group, Work work) {
    try {
      work.run();
    } catch (RefusedException e) {
      log.debug("group {}: background work will go on later: {}", group.id(), e.getMessage());
    } catch (IOException | RuntimeException e) {
      log.warn(
          "group {}: background work is held up and will be tried again: {}",
          group.id(),
          e.toString());
    }
  }

  @FunctionalInterface
  private interface Step {
    boolean run() throws IOException;
  }

  private static void repeat(Step step) throws IOException {
    for (int steps = 0; steps < STEPS_MAX && step.run(); steps++) {
      if (Thread.currentThread().isInterrupted()) {
        return;
      }
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}

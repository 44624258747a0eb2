package io.curvefs.metaserver.reclaim;

import io.curvefs.error.RefusedException;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.transaction.TransactionFinisher;
import io.curvefs.proto.FileSystem;
import java.io.IOException;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Goes round the groups that this server leads and does what has piled up. */
public final class GroupCaretaker implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(GroupCaretaker.class);
  private static final int ROUND_MILLIS = 1000;

  /** Between two looks for sessions that ended behind a group's back, which is rare. */
  private static final int SESSIONS_ROUND_MILLIS = 10_000;

  /** Steps of one kind of work in one group before the next has its turn. */
  private static final int STEPS_MAX = 50;

  private final Supplier<Collection<DataGroup>> groups;
  private final Supplier<Map<Integer, FileSystem>> fileSystems;
  private final TransactionFinisher transactions;
  private final OrphanReclaim orphans = new OrphanReclaim();
  private final GarbageCollector garbage;
  private final Compactor compactor;
  private final EndedSessions endedSessions;
  private final ScheduledExecutorService threads;

  /**
   * @param fileSystems that can be used now, by id
   * @param isLive the coordinator's word on a session. No may only be said by one who asked it
   *     after the call
   * @param threads three, so that neither a bucket nor a coordinator that hangs holds up
   *     transactions; closed with this
   */
  public GroupCaretaker(
      Supplier<Collection<DataGroup>> groups,
      Supplier<Map<Integer, FileSystem>> fileSystems,
      TransactionFinisher transactions,
      ObjectStores stores,
      Function<SessionId, CompletableFuture<Boolean>> isLive,
      ScheduledExecutorService threads) {
    this.groups = groups;
    this.fileSystems = fileSystems;
    this.transactions = transactions;
    this.garbage = new GarbageCollector(stores);
    this.compactor = new Compactor(stores);
    this.endedSessions = new EndedSessions(isLive);
    this.threads = threads;
  }

  public void start() {
    every(ROUND_MILLIS, this::endTransactionsAndOrphans);
    every(ROUND_MILLIS, this::tidyObjects);
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
      attempt(group, () -> repeat(() -> garbage.collect(group, leadership, fileSystem)));
    }
    for (Leadership.TouchedChunk chunk : leadership.takeTouched()) {
      FileSystem fileSystem = known.get(chunk.fileSystem());
      if (fileSystem != null) {
        attempt(group, () -> compactor.compact(group, leadership, fileSystem, chunk));
      }
    }
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

package io.curvefs.client.data;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import io.curvefs.client.content.StagedUsage;
import io.curvefs.client.staging.Journal;
import io.curvefs.id.InodeId;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.proto.Timestamp;
import io.curvefs.time.WallClock;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings blocks from the journal to the object store, the oldest first, so many at once. One that
 * fails is tried again for as long as the mount lives; nothing is ever given up. Thread-safe.
 */
final class StagedUploads implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(StagedUploads.class);

  private static final int BLOCKS_MAX = 64;
  private static final long BYTES_MAX = 24L << 20;
  private static final Duration PAGES_MAX = Duration.ofSeconds(30);
  private static final long PAUSE_MILLIS_MIN = 500;
  private static final long PAUSE_MILLIS_MAX = 8_000;

  /** While nothing comes through the log says so again and again. */
  private static final Duration TELL_EVERY = Duration.ofMinutes(1);

  /** Longest that one close or fsync is held up because uploads lag behind. */
  private static final Duration THROTTLE = Duration.ofSeconds(1);

  private final Journal journal;
  private final ObjectStore objects;
  private final PagePool pool;
  private final Function<BlockId, String> keys;
  private final WallClock clock;
  private final Duration deadline;
  private final ScheduledExecutorService timer;
  private final Executor background;
  private final Consumer<InodeId> drained;
  private final Thread thread;

  /**
   * Oldest first. One that has a new name meanwhile may be here under both; who comes to the old
   * one drops it.
   */
  @GuardedBy("this")
  private final PriorityQueue<Item> waiting =
      new PriorityQueue<>(Comparator.comparingLong(item -> item.block.sequence));

  @GuardedBy("this")
  private int blocksUnderWay;

  @GuardedBy("this")
  private long bytesUnderWay;

  @GuardedBy("this")
  private boolean closed;

  @GuardedBy("this")
  private long failures;

  @GuardedBy("this")
  private long throttled;

  /** Why the last attempt to upload failed; null: it did not. */
  @GuardedBy("this")
  private @Nullable String uploadFailure;

  /**
   * Why the last attempt to commit failed, of files whose did: neither an upload nor the commit of
   * another file says anything about these.
   */
  @GuardedBy("this")
  private final Map<InodeId, String> commitFailures = new LinkedHashMap<>();

  @GuardedBy("this")
  private long toldNanos;

  private volatile long lastUploadNanos = System.nanoTime();

  private record Item(FileCommits commits, PendingBlock block, int attempts) {}

  /**
   * @param deadline age of the oldest block from which on writers are held up
   * @param timer for pauses; runs nothing that blocks
   * @param drained hears of files that have nothing left to commit
   */
  StagedUploads(
      Journal journal,
      ObjectStore objects,
      PagePool pool,
      Function<BlockId, String> keys,
      WallClock clock,
      Duration deadline,
      ScheduledExecutorService timer,
      Executor background,
      Consumer<InodeId> drained) {
    this.journal = journal;
    this.objects = objects;
    this.pool = pool;
    this.keys = keys;
    this.clock = clock;
    this.deadline = deadline;
    this.timer = timer;
    this.background = background;
    this.drained = drained;
    this.thread = new DefaultThreadFactory("writeback-upload", true).newThread(this::run);
    thread.start();
  }

  Journal journal() {
    return journal;
  }

  /** The block is safe in the journal. */
  void add(FileCommits commits, PendingBlock block) {
    add(new Item(commits, block, 0));
  }

  private synchronized void add(Item item) {
    waiting.add(item);
    notifyAll();
  }

  private void run() {
    try {
      while (true) {
        Item item = next();
        if (item == null) {
          return;
        }
        send(item);
      }
    } catch (InterruptedException e) {
      // closed
    }
  }

  private synchronized @Nullable Item next() throws InterruptedException {
    while (!closed && !fits(waiting.peek())) {
      wait();
    }
    if (closed) {
      return null;
    }
    Item item = waiting.remove();
    blocksUnderWay++;
    bytesUnderWay += item.block.id.length();
    return item;
  }

  @GuardedBy("this")
  private boolean fits(@Nullable Item item) {
    return item != null
        && (blocksUnderWay == 0
            || (blocksUnderWay < BLOCKS_MAX
                && bytesUnderWay + item.block.id.length() <= BYTES_MAX));
  }

  private void send(Item item) {
    if (!item.commits.isWanted(item.block)) {
      arrived(item);
      return;
    }
    BlockId id = item.block.id;
    PagedBytes content;
    CompletableFuture<Void> put;
    try {
      content =
          PagedBytes.fill(
              pool,
              id.length(),
              PAGES_MAX,
              into -> {
                if (!journal.read(id, 0, id.length(), into)) {
                  throw new IOException("block " + id + " is not in the journal any more");
                }
              });
    } catch (IOException | RuntimeException e) {
      arrived(item);
      ended(item, e);
      return;
    }
    try {
      put = objects.put(keys.apply(id), content.buffers());
    } catch (RuntimeException e) {
      put = CompletableFuture.failedFuture(e);
    }
    put.whenComplete(
        (done, problem) -> {
          content.release();
          arrived(item);
          ended(item, problem);
        });
  }

  private synchronized void arrived(Item item) {
    blocksUnderWay--;
    bytesUnderWay -= item.block.id.length();
    notifyAll();
  }

  /** May be on a thread of the object store: must not block. */
  private void ended(Item item, @Nullable Throwable problem) {
    if (problem == null) {
      succeeded();
    } else {
      failed(item.block, problem);
      long pause = Math.min(PAUSE_MILLIS_MAX, PAUSE_MILLIS_MIN << Math.min(item.attempts, 10));
      schedule(() -> add(new Item(item.commits, item.block, item.attempts + 1)), pause);
    }
    item.commits.uploadedFromJournal(item.block, problem == null);
  }

  private synchronized void succeeded() {
    lastUploadNanos = System.nanoTime();
    if (uploadFailure != null) {
      log.info("write-back: the object store takes what was written again");
      uploadFailure = null;
    }
  }

  private void failed(PendingBlock block, Throwable problem) {
    Throwable cause = cause(problem);
    String told =
        cause instanceof Journal.DamagedException
            ? String.valueOf(cause.getMessage())
            : "uploading block " + block.id + ": " + cause.getMessage();
    boolean telling;
    synchronized (this) {
      telling = failedNow();
      uploadFailure = told;
    }
    tell(telling, told);
  }

  /** A commit did not come through, and will be tried again. */
  void commitFailed(InodeId inode, Throwable problem) {
    String told = "committing inode " + inode + ": " + cause(problem).getMessage();
    boolean telling;
    synchronized (this) {
      telling = failedNow();
      commitFailures.put(inode, told);
    }
    tell(telling, told);
  }

  private static Throwable cause(Throwable problem) {
    return problem instanceof CompletionException && problem.getCause() != null
        ? problem.getCause()
        : problem;
  }

  /** Counts a failure; true when the log is to tell of it. Called before it is noted. */
  @GuardedBy("this")
  private boolean failedNow() {
    failures++;
    long now = System.nanoTime();
    boolean telling = !closed && (failure() == null || now - toldNanos > TELL_EVERY.toNanos());
    toldNanos = telling ? now : toldNanos;
    return telling;
  }

  private void tell(boolean telling, String told) {
    if (telling) {
      log.error(
          "write-back: {}. {} bytes wait in {}, and are tried again",
          told,
          journal.usage().bytes(),
          journal.name());
    }
  }

  @GuardedBy("this")
  private @Nullable String failure() {
    if (uploadFailure != null || commitFailures.isEmpty()) {
      return uploadFailure;
    }
    return commitFailures.values().iterator().next();
  }

  /** Runs something that may block, after a pause. */
  void later(Runnable task) {
    schedule(() -> background.execute(task), PAUSE_MILLIS_MIN * 4);
  }

  private void schedule(Runnable task, long millis) {
    try {
      timer.schedule(task, millis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // The mount has ended; the next one goes on.
    }
  }

  /** Blocks of a file up to this one are committed, or not wanted any more. */
  void done(InodeId inode, long upTo) {
    journal.done(inode, upTo, ignored -> {});
    synchronized (this) {
      if (commitFailures.remove(inode) != null) {
        log.info("write-back: what was written to inode {} is committed, or dropped", inode);
      }
      notifyAll();
    }
  }

  /** The file may have nothing left. */
  void drained(InodeId inode) {
    drained.accept(inode);
  }

  /** An object that nothing will refer to. */
  void delete(List<BlockId> unwanted) {
    if (unwanted.isEmpty()) {
      return;
    }
    background.execute(
        () -> {
          try {
            objects.delete(unwanted.stream().map(keys).toList());
          } catch (IOException e) {
            log.warn(
                "{} objects that nothing refers to stay in the bucket: {}",
                unwanted.size(),
                e.getMessage());
          }
        });
  }

  /** When the last upload came through; before any, when this was made. Takes no lock. */
  long lastUploadNanos() {
    return lastUploadNanos;
  }

  /** Holds a writer up while uploads lag behind the deadline, for a bounded time. */
  void throttle() {
    long until = System.nanoTime() + THROTTLE.toNanos();
    boolean counted = false;
    while (oldestAge().compareTo(deadline) > 0) {
      synchronized (this) {
        if (!counted) {
          throttled++;
          counted = true;
        }
        long left = until - System.nanoTime();
        if (left <= 0 || closed) {
          return;
        }
        try {
          TimeUnit.NANOSECONDS.timedWait(this, left);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return;
        }
      }
    }
  }

  private Duration oldestAge() {
    Timestamp oldest = journal.usage().oldest();
    if (oldest == null) {
      return Duration.ZERO;
    }
    Timestamp now = clock.now();
    Duration age =
        Duration.ofSeconds(
            now.getSeconds() - oldest.getSeconds(), now.getNanos() - oldest.getNanos());
    return age.isNegative() ? Duration.ZERO : age;
  }

  /**
   * Waits until everything is committed.
   *
   * @return whether it is
   */
  boolean awaitEmpty(Duration bound) throws InterruptedException {
    long until = System.nanoTime() + bound.toNanos();
    while (journal.usage().blocks() > 0) {
      long left = until - System.nanoTime();
      if (left <= 0) {
        return false;
      }
      synchronized (this) {
        TimeUnit.NANOSECONDS.timedWait(this, Math.min(left, THROTTLE.toNanos()));
      }
    }
    return true;
  }

  StagedUsage usage() {
    Journal.Usage usage = journal.usage();
    Duration age = oldestAge();
    synchronized (this) {
      return new StagedUsage(
          usage.files(),
          usage.blocks(),
          usage.bytes(),
          usage.storedBytes(),
          age,
          throttled,
          failures,
          journal.name(),
          failure());
    }
  }

  /** What is not uploaded by now stays in the journal, which stays the caller's. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    try {
      // Not interrupted: that would close the segment it may be reading.
      thread.join(TimeUnit.SECONDS.toMillis(10));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

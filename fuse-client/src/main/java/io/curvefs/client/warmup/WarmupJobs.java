package io.curvefs.client.warmup;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import io.curvefs.cache.CacheTier;
import io.curvefs.cache.LastingTiers;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.warmup.JobStore.Part;
import io.curvefs.id.InodeId;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The warmup jobs of one mount: they outlive the command that asked for them, and those that fill
 * tiers outlive the mount. Thread-safe.
 */
public final class WarmupJobs implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(WarmupJobs.class);

  /** Jobs that work at once; others wait. */
  private static final int RUNNING_MAX = 8;

  /** Jobs that work or wait. */
  private static final int ACTIVE_MAX = 64;

  /** Jobs that have ended and can still be asked about. */
  private static final int ENDED_MAX = 64;

  private static final int UPLOADS_MAX = 16;
  private static final long UPLOAD_NANOS_MAX = TimeUnit.MINUTES.toNanos(10);
  private static final long UPLOAD_BYTES_MAX = 1L << 30;
  private static final int RECORDS_BYTES_MAX = 48 << 10;
  private static final long CLOSE_SECONDS_MAX = 20;

  private final WarmupJob.Surroundings around;
  private final JobStore store;
  private final ThreadPoolExecutor runners =
      new ThreadPoolExecutor(
          RUNNING_MAX,
          RUNNING_MAX,
          0,
          TimeUnit.SECONDS,
          new LinkedBlockingQueue<>(), // bounded by ACTIVE_MAX
          new DefaultThreadFactory("warmup-job", true));

  @GuardedBy("this")
  private final Map<Integer, WarmupJob> active = new TreeMap<>();

  /** Those of the active ones that wait for their turn, which is what the runners then run. */
  @GuardedBy("this")
  private final Map<Integer, Runnable> waiting = new HashMap<>();

  @GuardedBy("this")
  private final Map<Integer, SavedJob> ended = new TreeMap<>();

  /** Of the active ones, those that run ahead of a reader: looked at by every open. */
  private final List<WarmupJob> ordered = new CopyOnWriteArrayList<>();

  /** When each upload was last added to. */
  @GuardedBy("this")
  private final Map<String, Long> uploads = new HashMap<>();

  @GuardedBy("this")
  private boolean closed;

  WarmupJobs(
      FileTree tree,
      ByteString mountPoint,
      LastingTiers tiers,
      Path directory,
      long bytesInFlightMax,
      MeterRegistry registry,
      InstantSource clock,
      LongSupplier nanoTime)
      throws IOException {
    this.store = JobStore.open(directory);
    this.around =
        new WarmupJob.Surroundings(
            tree,
            new Paths(tree, mountPoint),
            tiers,
            store,
            new InFlight(bytesInFlightMax),
            new Outcomes.Counters(registry),
            clock,
            nanoTime);
    boolean resumed = false;
    try {
      resume();
      resumed = true;
    } finally {
      if (!resumed) {
        close(); // another attempt is to find the directory free
      }
    }
    Gauge.builder("curvefs.warmup.jobs", this, WarmupJobs::countActive).register(registry);
  }

  /**
   * Opens the jobs of a mount, and goes on with those that were interrupted.
   *
   * @param root the directory that the mount shows as its root
   * @param mountPoint where absolute symbolic links lead into the mount
   * @param directory the jobs are kept in; of this mount point alone
   * @param bytesInFlightMax most bytes of blocks that jobs move at a time, at least a block
   * @throws IOException with a message for the user, when another process holds the directory
   */
  public static WarmupJobs open(
      NamespaceClient namespace,
      InodeId root,
      Path mountPoint,
      LastingTiers tiers,
      Path directory,
      long bytesInFlightMax,
      MeterRegistry registry)
      throws IOException {
    return new WarmupJobs(
        new NamespaceTree(namespace, root),
        ByteString.copyFromUtf8(mountPoint.toString()),
        tiers,
        directory,
        bytesInFlightMax,
        registry,
        InstantSource.system(),
        System::nanoTime);
  }

  private synchronized void resume() throws IOException {
    for (SavedJob saved : store.load()) {
      JobStatus status = saved.status();
      if (status.state().isEnd()) {
        ended.put(status.id(), saved);
      } else if (Files.exists(store.part(status.id(), Part.LIST))) {
        log.info("warmup job {} is resumed", status.id());
        start(
            new WarmupJob(
                status.id(), status.request(), saved.origin(), status.createdSeconds(), around));
      } else {
        store.delete(status.id());
      }
    }
  }

  // ---- commands ----

  /**
   * Adds to a list of paths that is being handed over; see {@link PathList}.
   *
   * @param token chosen by who hands it over; letters and digits
   */
  public synchronized void upload(String token, ByteString bytes) throws IOException {
    requireToken(token);
    long now = around.nanoTime().getAsLong();
    for (Map.Entry<String, Long> old : List.copyOf(uploads.entrySet())) {
      if (now - old.getValue() > UPLOAD_NANOS_MAX) {
        dropUpload(old.getKey());
      }
    }
    if (!uploads.containsKey(token) && uploads.size() >= UPLOADS_MAX) {
      throw new IOException("too many lists are being handed over: try again later");
    }
    uploads.put(token, now);
    Path file = store.upload(token);
    try (OutputStream out =
        Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      bytes.writeTo(out);
    }
    if (Files.size(file) > UPLOAD_BYTES_MAX) {
      dropUpload(token);
      throw new IOException("a list of paths must not be longer than 1 GiB");
    }
  }

  private static void requireToken(String token) throws IOException {
    if (!token.matches("[0-9a-zA-Z]{1,64}")) {
      throw new IOException("not a token: " + token);
    }
  }

  /** Forgets a list that was not handed over to its end. */
  synchronized void drop(String token) throws IOException {
    dropUpload(token);
  }

  @GuardedBy("this")
  private void dropUpload(String token) throws IOException {
    uploads.remove(token);
    Files.deleteIfExists(store.upload(token));
  }

  /**
   * Begins a job with the paths that were handed over.
   *
   * @param origin inode whose attribute asks for it; null: a command does
   * @return its number
   * @throws IOException one line that says why not
   */
  public synchronized int add(JobRequest request, String token, @Nullable InodeId origin)
      throws IOException {
    requireToken(token);
    if (closed) {
      throw new IOException("the mount is ending");
    }
    try {
      if (uploads.remove(token) == null) {
        throw new IOException("no paths were given");
      }
      if (request.kind() == JobKind.ADD) {
        requireTiers(request.storage());
      }
      if (active.size() >= ACTIVE_MAX) {
        throw new IOException(
            ACTIVE_MAX + " jobs run or wait already: cancel some, or wait for them");
      }
      int id = store.nextId();
      WarmupJob job =
          new WarmupJob(
              id,
              request,
              origin == null ? 0 : origin.value(),
              around.clock().instant().getEpochSecond(),
              around);
      boolean saved = false;
      try {
        store.take(token, id);
        save(request, new SavedJob(job.status(), job.origin()));
        saved = true;
      } finally {
        if (!saved) {
          store.delete(id);
        }
      }
      start(job);
      return id;
    } finally {
      Files.deleteIfExists(store.upload(token));
    }
  }

  private void requireTiers(Storage storage) throws IOException {
    for (CacheTier tier : storage.tiers()) {
      if (!around.tiers().exists(tier)) {
        throw new IOException(
            switch (tier) {
              case DISK ->
                  "this mount has no disk cache: mount with cache_size above 0, or warm memcached"
                      + " with --storage memcached";
              case MEMCACHED ->
                  "no memcached servers are bound to this file system: 'curvefs cachecluster' binds"
                      + " them";
            });
      }
    }
  }

  @GuardedBy("this")
  private void start(WarmupJob job) {
    active.put(job.id(), job);
    if (job.request().windowBytes() > 0) {
      ordered.add(job);
    }
    Runnable turn = () -> run(job);
    waiting.put(job.id(), turn);
    runners.execute(turn);
  }

  private void run(WarmupJob job) {
    synchronized (this) {
      waiting.remove(job.id());
    }
    Optional<JobStatus> end = job.run();
    end.ifPresentOrElse(status -> ended(job, status), () -> ordered.remove(job));
  }

  /** The job holds nothing any more; that it has ended is seen once it is noted. */
  private synchronized void ended(WarmupJob job, JobStatus end) {
    SavedJob saved = new SavedJob(end, job.origin());
    ordered.remove(job);
    try {
      save(job.request(), saved);
      store.deleteWork(job.id());
      while (ended.size() >= ENDED_MAX) {
        int oldest = ended.keySet().iterator().next();
        ended.remove(oldest);
        store.delete(oldest);
      }
    } catch (IOException e) {
      log.error("the end of warmup job {} could not be noted", job.id(), e);
    }
    active.remove(job.id());
    ended.put(job.id(), saved);
  }

  private void save(JobRequest request, SavedJob job) throws IOException {
    if (request.kind() == JobKind.ADD) {
      store.save(job);
    }
  }

  /** Ends a job that runs or waits; one that has ended stays as it is. False: there is none. */
  public synchronized boolean cancel(int id) {
    WarmupJob job = active.get(id);
    if (job == null) {
      return ended.containsKey(id);
    }
    Runnable turn = waiting.get(id);
    if (turn != null && runners.remove(turn)) {
      waiting.remove(id);
      ended(job, job.cancelUnbegun());
    } else {
      job.cancel();
    }
    return true;
  }

  // ---- questions ----

  /** All jobs, the oldest first. */
  public synchronized List<JobStatus> list() {
    List<JobStatus> all = new ArrayList<>();
    ended.values().forEach(saved -> all.add(saved.status()));
    active.values().forEach(job -> all.add(job.status()));
    all.sort(Comparator.comparingInt(JobStatus::id));
    return all;
  }

  public synchronized Optional<JobStatus> status(int id) {
    WarmupJob job = active.get(id);
    SavedJob saved = ended.get(id);
    return job != null
        ? Optional.of(job.status())
        : Optional.ofNullable(saved).map(SavedJob::status);
  }

  /** The latest job that an inode's attribute has asked for. */
  public synchronized Optional<JobStatus> latestOf(InodeId origin) {
    JobStatus latest = null;
    for (SavedJob saved : ended.values()) {
      latest = saved.origin() == origin.value() ? saved.status() : latest;
    }
    for (WarmupJob job : active.values()) {
      latest = job.origin() == origin.value() ? job.status() : latest;
    }
    return Optional.ofNullable(latest);
  }

  /**
   * Names that a job has met.
   *
   * @param paths of the mount, as they were given when they are not in it
   * @param next offset to go on from; 0: there is no more
   */
  public record Records(List<ByteString> paths, List<String> reasons, long next) {}

  /** Files that have failed so far, some at a time. */
  public Records failed(int id, long offset) throws IOException {
    return records(store.part(id, Part.FAILED), offset);
  }

  /** Files that were skipped so far, some at a time. */
  public Records skipped(int id, long offset) throws IOException {
    return records(store.part(id, Part.SKIPPED), offset);
  }

  private static Records records(Path file, long offset) throws IOException {
    EntryFile.Page page = EntryFile.page(file, offset, RECORDS_BYTES_MAX);
    return new Records(
        page.entries().stream().map(Entry::path).toList(),
        page.entries().stream().map(Entry::reason).toList(),
        page.next());
  }

  private synchronized int countActive() {
    return active.size();
  }

  // ---- what the mount's users do ----

  /** Somebody has opened a file: a job that runs ahead of its reader learns how far it is. */
  public void opened(InodeId inode) {
    ordered.forEach(job -> job.opened(inode));
  }

  /** The last handle of a file is closed. */
  public void closed(InodeId inode) {
    ordered.forEach(job -> job.closed(inode));
  }

  /** Interrupts the jobs, to be resumed by the next mount. */
  @Override
  public void close() throws IOException {
    synchronized (this) {
      closed = true;
      active.values().forEach(WarmupJob::interrupt);
    }
    runners.shutdown();
    try {
      if (!runners.awaitTermination(CLOSE_SECONDS_MAX, TimeUnit.SECONDS)) {
        runners.shutdownNow();
        log.warn("warmup jobs are still waiting for something");
      }
    } catch (InterruptedException e) {
      runners.shutdownNow();
      Thread.currentThread().interrupt();
    }
    store.close();
  }
}

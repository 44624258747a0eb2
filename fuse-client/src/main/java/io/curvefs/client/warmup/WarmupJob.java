package io.curvefs.client.warmup;

import com.google.protobuf.ByteString;
import io.curvefs.cache.CacheTier;
import io.curvefs.cache.LastingTiers;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.pace.Bandwidth;
import io.curvefs.client.warmup.Entry.Kind;
import io.curvefs.client.warmup.JobStore.Part;
import io.curvefs.id.InodeId;
import java.io.IOException;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One job from its list of paths to its end: counts, compares with the room there is, works, and
 * tries once more what has failed. {@link #run} is called once; the rest is thread-safe.
 */
final class WarmupJob {
  private static final Logger log = LoggerFactory.getLogger(WarmupJob.class);
  private static final int FILES_PER_REQUEST = 256;

  /** In a known order files wait for their reader: what is asked too early is old by then. */
  private static final int ORDERED_FILES_PER_REQUEST = 16;

  private static final int TIER_LOOKS_MAX = 300;
  private static final long TIER_LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final int id;
  private final JobRequest request;
  private final long origin;
  private final long createdSeconds;
  private final Surroundings around;
  private final Stop stop = new Stop();
  private final EntryFile failed;
  private final EntryFile skipped;
  private final Outcomes outcomes;

  private volatile JobState state = JobState.WAITING;
  private volatile String message = "";
  private volatile long beganNanos;
  private volatile boolean cancelled;
  private volatile @Nullable OrderedWindow window;
  private volatile @Nullable Inspector inspector;

  /** What all jobs of a mount share. */
  record Surroundings(
      FileTree tree,
      Paths paths,
      LastingTiers tiers,
      JobStore store,
      InFlight inFlight,
      Outcomes.Counters counters,
      InstantSource clock,
      LongSupplier nanoTime) {}

  WarmupJob(int id, JobRequest request, long origin, long createdSeconds, Surroundings around) {
    this.id = id;
    this.request = request;
    this.origin = origin;
    this.createdSeconds = createdSeconds;
    this.around = around;
    this.failed = new EntryFile(around.store.part(id, Part.FAILED), Outcomes.FAILED_BYTES_MAX);
    this.skipped = new EntryFile(around.store.part(id, Part.SKIPPED), Outcomes.SKIPPED_BYTES_MAX);
    this.outcomes = new Outcomes(failed, skipped, around.counters);
  }

  int id() {
    return id;
  }

  JobRequest request() {
    return request;
  }

  long origin() {
    return origin;
  }

  /** Asks the job to end as cancelled. */
  void cancel() {
    cancelled = true;
    stop.ask();
  }

  /** Asks the job to end now, to be resumed later. */
  void interrupt() {
    stop.ask();
  }

  void opened(InodeId inode) {
    OrderedWindow ordered = window;
    if (ordered != null) {
      ordered.opened(inode);
    }
  }

  void closed(InodeId inode) {
    OrderedWindow ordered = window;
    if (ordered != null) {
      ordered.closed(inode);
    }
  }

  /** How far the job is; its end is told by {@link #run}. */
  JobStatus status() {
    JobState now = state;
    OrderedWindow ordered = window;
    boolean runs = now == JobState.RUNNING || now == JobState.RETRYING;
    return status(now, 0, ordered != null && runs ? ordered.describe() : message);
  }

  private JobStatus status(JobState now, long endedSeconds, String text) {
    Inspector looking = inspector;
    return new JobStatus(
        id,
        request,
        now,
        createdSeconds,
        endedSeconds,
        beganNanos == 0 ? 0 : millisSince(beganNanos),
        outcomes.filesTotal.get(),
        outcomes.bytesTotal.get(),
        outcomes.filesCached.get(),
        outcomes.bytesDone.get(),
        outcomes.bytesMoved.get(),
        outcomes.filesFailed.get(),
        outcomes.filesSkipped.get(),
        text,
        looking == null ? List.of() : looking.counts());
  }

  private long millisSince(long nanos) {
    return TimeUnit.NANOSECONDS.toMillis(around.nanoTime.getAsLong() - nanos);
  }

  /**
   * Works until the job's end; when this returns, the job holds nothing any more.
   *
   * @return how it has ended; empty: it was interrupted, and is to be resumed
   */
  Optional<JobStatus> run() {
    try {
      failed.clear();
      skipped.clear();
      stop.check();
      awaitTiers();
      state = JobState.COUNTING;
      count();
      String refusal = request.kind() == JobKind.ADD ? refusal() : "";
      if (!refusal.isEmpty() && !request.force()) {
        return Optional.of(end(JobState.REFUSED, refusal));
      }
      message = refusal;
      state = JobState.RUNNING;
      beganNanos = around.nanoTime.getAsLong();
      work();
      long unnoted = outcomes.unnoted();
      return Optional.of(
          end(
              JobState.DONE,
              unnoted == 0
                  ? refusal
                  : unnoted + " files are counted, but not named: too many, or the disk is full"));
    } catch (InterruptedException e) {
      return cancelled ? Optional.of(end(JobState.CANCELLED, "")) : Optional.empty();
    } catch (IOException e) {
      log.error("warmup job {} is broken", id, e);
      return Optional.of(end(JobState.BROKEN, Reasons.of(e)));
    } catch (RuntimeException | Error e) {
      log.error("warmup job {} is broken", id, e);
      return Optional.of(end(JobState.BROKEN, "a defect: " + e));
    } finally {
      around.tiers.release(id);
      closeQuietly(failed);
      closeQuietly(skipped);
    }
  }

  /** A mount that has just begun may not have heard of its memcached servers yet. */
  private void awaitTiers() throws IOException, InterruptedException {
    if (request.kind() != JobKind.ADD) {
      return;
    }
    for (CacheTier tier : request.storage().tiers()) {
      for (int looks = 0; !around.tiers.exists(tier); looks++) {
        if (looks == TIER_LOOKS_MAX) {
          throw new IOException("this mount has no tier " + tier + " any more");
        }
        stop.pause(TIER_LOOK_NANOS);
      }
    }
  }

  private static void closeQuietly(EntryFile file) {
    try {
      file.close();
    } catch (IOException e) {
      log.warn("what became of some files could not be noted", e);
    }
  }

  private JobStatus end(JobState end, String why) {
    closeQuietly(failed);
    closeQuietly(skipped);
    outcomes.count();
    log.info("warmup job {} has ended: {} {}", id, end, why);
    return status(end, around.clock.instant().getEpochSecond(), why);
  }

  /** Ends, as cancelled, a job that will never {@link #run}. */
  JobStatus cancelUnbegun() {
    return end(JobState.CANCELLED, "");
  }

  // ---- first pass: what is there ----

  /** Looks at every path, and adds up what is below it. */
  private void count() throws IOException, InterruptedException {
    TreeWalk walk = new TreeWalk(around.tree, around.paths, new Counting());
    ListedPaths listed = new ListedPaths(around.tree, around.paths);
    try (EntryFile entries = new EntryFile(around.store.part(id, Part.LOOKED_AT), Long.MAX_VALUE);
        PathList paths = new PathList(around.store.part(id, Part.LIST))) {
      entries.clear();
      for (ByteString path = paths.next(); path != null; path = paths.next()) {
        stop.check();
        Entry entry = look(path, listed);
        entries.append(entry);
        if (entry.kind() == Kind.DIRECTORY) {
          walk.walkDirectory(path, new InodeId(entry.inode()), ByteString.EMPTY);
        }
      }
    }
  }

  /** Adds a file to the totals; false: none of it is in this share. */
  private boolean count(Attributes file) {
    long bytes = request.share().bytesOf(file.id(), file.length());
    if (bytes < 0) {
      return false;
    }
    outcomes.filesTotal.incrementAndGet();
    boolean sparse = file.allocated() < file.length();
    outcomes.bytesTotal.addAndGet(
        sparse && request.share().hosts() == 1 ? file.allocated() : bytes);
    return true;
  }

  private Entry look(ByteString path, ListedPaths listed) {
    if (!path.startsWith(Paths.ROOT)) {
      return Entry.of(Kind.OUTSIDE, path.substring(1), "not in this mount");
    }
    try {
      Attributes found = listed.resolve(path);
      return switch (found.type()) {
        case REGULAR ->
            count(found)
                ? new Entry(
                    Kind.FILE, path, ByteString.EMPTY, "", found.id().value(), found.length())
                : Entry.of(Kind.SKIPPED, ByteString.EMPTY, "");
        case DIRECTORY ->
            request.windowBytes() > 0
                ? Entry.of(Kind.SKIPPED, path, "a directory: an order is made of files")
                : new Entry(Kind.DIRECTORY, path, ByteString.EMPTY, "", found.id().value(), 0);
        case FIFO -> Entry.of(Kind.SKIPPED, path, "a pipe");
        case SOCKET -> Entry.of(Kind.SKIPPED, path, "a socket");
        case CHARACTER_DEVICE, BLOCK_DEVICE -> Entry.of(Kind.SKIPPED, path, "a device");
        case SYMLINK, FILE_TYPE_UNKNOWN, UNRECOGNIZED ->
            Entry.of(Kind.SKIPPED, path, "not a regular file");
      };
    } catch (Paths.NotFollowedException e) {
      return Entry.of(Kind.SKIPPED, path, String.valueOf(e.getMessage()));
    } catch (IOException e) {
      return Entry.of(Kind.MISSING, path, Reasons.of(e));
    }
  }

  private final class Counting implements TreeWalk.Visitor {
    @Override
    public void file(ByteString path, Attributes attributes) throws InterruptedException {
      stop.check();
      count(attributes);
    }

    @Override
    public void skipped(ByteString path, String reason) {}

    @Override
    public void failed(ByteString path, String reason) {}

    @Override
    public void unlisted(ByteString path, ByteString after, String reason) {}
  }

  // ---- does it fit? ----

  /** Why the job cannot come to a good end; empty: nothing is known against it. */
  private String refusal() throws IOException, InterruptedException {
    StringBuilder why = new StringBuilder();
    List<TierCount> held = null;
    for (CacheTier tier : request.storage().tiers()) {
      Room room = new Room(tier, around.tiers.room(tier));
      long needed = room.charge(bytesAtOnce(), filesAtOnce());
      if (needed <= room.obtainable()) {
        continue;
      }
      if (room.max() == 0) {
        why.append(why.isEmpty() ? "" : "; ").append(room.none());
        continue;
      }
      if (held == null && needed <= room.max()) {
        held = held(); // what of it is held or pinned already needs no room
      }
      long bytesHeld =
          held == null
              ? 0
              : held.stream()
                  .filter(count -> count.tier() == tier)
                  .mapToLong(TierCount::bytes)
                  .sum();
      if (needed > room.max() || needed - bytesHeld > room.obtainable()) {
        why.append(why.isEmpty() ? "" : "; ").append(room.tooSmallFor(needed));
      }
    }
    return why.toString();
  }

  private long bytesAtOnce() {
    long all = outcomes.bytesTotal.get();
    return request.windowBytes() == 0 ? all : Math.min(request.windowBytes(), all);
  }

  /** Files that a tier holds at the same time: within a window as many as fit there on average. */
  private long filesAtOnce() {
    long files = outcomes.filesTotal.get();
    long bytes = outcomes.bytesTotal.get();
    if (request.windowBytes() == 0) {
      return files;
    }
    double share = bytes == 0 ? 1 : Math.min(1, (double) request.windowBytes() / bytes);
    return Math.min(OrderedWindow.FILES_MAX, (long) Math.ceil(files * share));
  }

  private List<TierCount> held() throws IOException, InterruptedException {
    Outcomes unseen =
        new Outcomes(
            new EntryFile(around.store.part(id, Part.RETRY), 0),
            new EntryFile(around.store.part(id, Part.RETRY), 0),
            around.counters);
    Inspector look =
        new Inspector(
            around.tiers, request.storage().tiers(), Inspector.Work.LOOK_FOR_HELD, unseen, stop);
    pass(new Parts(around.tree, request.share(), FILES_PER_REQUEST, look), unseen);
    return look.counts();
  }

  // ---- the work ----

  private void work() throws IOException, InterruptedException {
    switch (request.kind()) {
      case ADD -> warm();
      case CHECK -> inspect(Inspector.Work.LOOK);
      case EVICT -> inspect(Inspector.Work.EVICT);
    }
  }

  private void inspect(Inspector.Work work) throws IOException, InterruptedException {
    Inspector look = new Inspector(around.tiers, request.storage().tiers(), work, outcomes, stop);
    inspector = look;
    pass(new Parts(around.tree, request.share(), FILES_PER_REQUEST, look), outcomes);
  }

  private void warm() throws IOException, InterruptedException {
    boolean ordered = request.windowBytes() > 0;
    if (ordered) {
      window =
          new OrderedWindow(
              request.windowBytes(),
              around.tiers,
              request.storage().tiers().get(0),
              around.store.part(id, Part.LOOKED_AT),
              stop);
    }
    Bandwidth bandwidth = new Bandwidth(request.bytesPerSecond(), around.nanoTime, stop::pause);
    try (Warmer warmer =
        new Warmer(around.tiers, request, id, around.inFlight, bandwidth, outcomes, stop, window)) {
      Parts parts =
          new Parts(
              around.tree,
              request.share(),
              ordered ? ORDERED_FILES_PER_REQUEST : FILES_PER_REQUEST,
              warmer);
      pass(parts, outcomes);
      warmer.finish();
      if (outcomes.filesFailed.get() > 0 && !ordered) {
        retry(parts);
        warmer.finish();
      }
    }
  }

  private void pass(Parts parts, Outcomes into) throws IOException, InterruptedException {
    TreeWalk walk = new TreeWalk(around.tree, around.paths, new Working(parts, into));
    EntryFile.forEach(
        around.store.part(id, Part.LOOKED_AT),
        entry -> {
          stop.check();
          InodeId inode = entry.inode() == 0 ? null : new InodeId(entry.inode());
          switch (entry.kind()) {
            case FILE -> parts.add(new Parts.Target(entry.path(), require(inode), entry.length()));
            case DIRECTORY -> walk.walkDirectory(entry.path(), require(inode), ByteString.EMPTY);
            case SKIPPED -> {
              if (!entry.path().isEmpty()) { // else another host's
                into.skipped(entry.path(), entry.reason());
              }
            }
            case MISSING, OUTSIDE, UNLISTED -> into.failed(entry);
          }
          return true;
        });
    parts.flush();
  }

  private static InodeId require(@Nullable InodeId inode) {
    if (inode == null) {
      throw new IllegalStateException("an entry without its inode");
    }
    return inode;
  }

  private void retry(Parts parts) throws IOException, InterruptedException {
    state = JobState.RETRYING;
    long unnamed = failed.left(); // cannot be tried again, and stay failures
    failed.moveTo(around.store.part(id, Part.RETRY));
    outcomes.unnamed(unnamed);
    outcomes.filesFailed.set(unnamed);
    TreeWalk walk = new TreeWalk(around.tree, around.paths, new Working(parts, outcomes));
    EntryFile.forEach(
        around.store.part(id, Part.RETRY),
        entry -> {
          stop.check();
          retry(entry, walk);
          return true;
        });
    parts.flush();
  }

  private void retry(Entry entry, TreeWalk walk) throws InterruptedException {
    if (entry.kind() == Kind.OUTSIDE) {
      outcomes.failed(entry);
      return;
    }
    try {
      Attributes found = around.paths.resolve(entry.path());
      if (entry.kind() == Kind.UNLISTED && found.isDirectory()) {
        walk.walkDirectory(entry.path(), found.id(), entry.after());
      } else {
        walk.walk(entry.path(), found);
      }
    } catch (IOException e) {
      if (entry.kind() != Kind.MISSING && Reasons.isAbsence(e)) {
        outcomes.skipped(entry.path(), Reasons.VANISHED);
      } else {
        outcomes.failed(
            new Entry(entry.kind(), entry.path(), entry.after(), Reasons.of(e), entry.inode(), 0));
      }
    }
  }

  private final class Working implements TreeWalk.Visitor {
    private final Parts parts;
    private final Outcomes into;

    Working(Parts parts, Outcomes into) {
      this.parts = parts;
      this.into = into;
    }

    @Override
    public void file(ByteString path, Attributes attributes) throws InterruptedException {
      stop.check();
      if (request.share().bytesOf(attributes.id(), attributes.length()) < 0) {
        return;
      }
      if (attributes.length() == 0 && request.kind() == JobKind.ADD) {
        into.cached(); // no block, so nothing is to be asked
      } else {
        parts.add(new Parts.Target(path, attributes.id(), attributes.length()));
      }
    }

    @Override
    public void skipped(ByteString path, String reason) {
      into.skipped(path, reason);
    }

    @Override
    public void failed(ByteString path, String reason) {
      into.failed(Entry.of(Kind.MISSING, path, reason));
    }

    @Override
    public void unlisted(ByteString path, ByteString after, String reason) {
      into.failed(new Entry(Kind.UNLISTED, path, after, reason, 0, 0));
    }
  }
}

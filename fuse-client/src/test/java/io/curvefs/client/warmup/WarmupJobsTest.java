package io.curvefs.client.warmup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheTier;
import io.curvefs.cache.Hold;
import io.curvefs.client.pace.Bandwidth;
import io.curvefs.id.InodeId;
import io.curvefs.proto.FileType;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Jobs over a tree and tiers in memory. */
@Timeout(60)
class WarmupJobsTest {
  private static final long PLENTY = 1L << 40;
  private static final int MIB = 1 << 20;

  @TempDir private Path directory;
  private final FakeTree tree = new FakeTree();
  private final InodeId root = tree.root().id();
  private FakeTiers tiers = FakeTiers.disk(PLENTY);
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final List<WarmupJobs> opened = new ArrayList<>();
  private int uploads;

  @AfterEach
  void close() throws IOException {
    tiers.allowed.release(Integer.MAX_VALUE / 2);
    for (WarmupJobs jobs : opened) {
      jobs.close();
    }
  }

  private WarmupJobs open() throws IOException {
    return open(directory.resolve("jobs"));
  }

  private WarmupJobs open(Path where) throws IOException {
    WarmupJobs jobs =
        new WarmupJobs(
            tree,
            ByteString.copyFromUtf8("/mnt"),
            tiers,
            where,
            32 * MIB,
            registry,
            InstantSource.system(),
            System::nanoTime);
    opened.add(jobs);
    return jobs;
  }

  private static JobRequest add() {
    return JobRequest.of(JobKind.ADD, "test", Storage.DISK);
  }

  private int begin(WarmupJobs jobs, JobRequest request, String... paths) throws IOException {
    String token = "t" + ++uploads;
    jobs.upload(token, ByteString.EMPTY);
    for (String path : paths) {
      jobs.upload(token, ByteString.copyFromUtf8(path + "\0"));
    }
    return jobs.add(request, token, null);
  }

  /** Between two looks; JUnit's timeout ends it. */
  private static void pause() {
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
    if (Thread.currentThread().isInterrupted()) {
      throw new AssertionError("it never comes");
    }
  }

  private static JobStatus end(WarmupJobs jobs, int id) {
    while (true) {
      JobStatus job = jobs.status(id).orElseThrow();
      if (job.state().isEnd()) {
        return job;
      }
      pause();
    }
  }

  private JobStatus run(JobRequest request, String... paths) throws IOException {
    WarmupJobs jobs = opened.isEmpty() ? open() : opened.get(0);
    return end(jobs, begin(jobs, request, paths));
  }

  private Map<String, String> failed(int id) throws IOException {
    return named(opened.get(0).failed(id, 0));
  }

  private Map<String, String> skipped(int id) throws IOException {
    return named(opened.get(0).skipped(id, 0));
  }

  private static Map<String, String> named(WarmupJobs.Records records) {
    Map<String, String> names = new TreeMap<>();
    for (int i = 0; i < records.paths().size(); i++) {
      names.put(records.paths().get(i).toStringUtf8(), records.reasons().get(i));
    }
    return names;
  }

  private static JobRequest with(boolean pin, boolean force, Share share, long window) {
    return new JobRequest(JobKind.ADD, "test", Storage.DISK, 4, 0, pin, force, share, window);
  }

  @Test
  void every_file_ends_cached_failed_or_skipped_and_has_its_reason() throws IOException {
    InodeId d = tree.directory(root, "d");
    tree.file(d, "empty", 0);
    InodeId small = tree.file(d, "small", 1000);
    InodeId large = tree.file(tree.directory(d, "deeper"), "large", 300L * MIB);
    InodeId bad = tree.file(d, "bad", 5);
    tree.other(d, "pipe", FileType.FIFO);
    tree.other(d, "socket", FileType.SOCKET);
    tree.other(d, "device", FileType.CHARACTER_DEVICE);
    tiers.failures.put(bad.value(), Integer.MAX_VALUE);

    JobStatus job = run(add(), "/d", "/none", "!elsewhere");

    assertThat(job.state()).isEqualTo(JobState.DONE);
    assertThat(job.filesTotal()).isEqualTo(4);
    assertThat(job.bytesTotal()).isEqualTo(1000 + 300L * MIB + 5);
    assertThat(job.filesCached()).isEqualTo(3);
    assertThat(job.bytesDone()).isEqualTo(1000 + 300L * MIB);
    assertThat(failed(job.id()))
        .containsOnlyKeys("/d/bad", "/none", "elsewhere")
        .containsEntry("/none", Reasons.NO_SUCH_FILE)
        .containsEntry("elsewhere", "not in this mount");
    assertThat(failed(job.id()).get("/d/bad")).contains("is damaged");
    assertThat(skipped(job.id()))
        .isEqualTo(Map.of("/d/device", "a device", "/d/pipe", "a pipe", "/d/socket", "a socket"));
    assertThat(job.filesFailed()).isEqualTo(3);
    assertThat(job.filesSkipped()).isEqualTo(3);
    List<BlockId> wanted = new ArrayList<>(FakeTree.blocksOf(small, 1000));
    wanted.addAll(FakeTree.blocksOf(large, 300L * MIB));
    assertThat(tiers.blocks(CacheTier.DISK)).containsExactlyInAnyOrderElementsOf(wanted);
    assertThat(registry.counter("curvefs.warmup.files", "outcome", "failed").count()).isEqualTo(3);
  }

  @Test
  void what_has_failed_is_tried_once_more_behind_all_others() throws IOException {
    List<InodeId> files = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      files.add(tree.file(root, "f%02d".formatted(i), 10));
    }
    tiers.failures.put(files.get(0).value(), 1);
    tiers.failures.put(files.get(1).value(), 2);

    JobStatus job = run(add(), "/");

    assertThat(failed(job.id())).containsOnlyKeys("/f01");
    assertThat(job.filesCached()).isEqualTo(19);
    assertThat(tiers.asked).hasSize(22);
    assertThat(tiers.asked.subList(20, 22).stream().map(BlockId::slice))
        .containsExactlyInAnyOrder(files.get(0).value(), files.get(1).value());
  }

  @Test
  void a_directory_that_cannot_be_listed_is_gone_on_with_where_it_failed() throws IOException {
    InodeId d = tree.directory(root, "d");
    for (int i = 0; i < 2 * FakeTree.PAGE; i++) {
      tree.file(d, "f%04d".formatted(i), 10);
    }
    tree.unlistable.put(d, new AtomicInteger(2)); // once while counting, once while warming

    JobStatus job = run(add(), "/d");

    assertThat(job.filesFailed()).isZero();
    assertThat(job.filesCached()).isEqualTo(2 * FakeTree.PAGE);
    assertThat(tiers.asked).as("no file twice").hasSize(2 * FakeTree.PAGE);
  }

  @Test
  void what_does_not_fit_is_refused_and_goes_on_only_when_forced() throws IOException {
    tiers = FakeTiers.disk(8 * MIB);
    tree.file(root, "large", 12 * MIB);
    tree.file(root, "more", 4 * MIB);

    JobStatus refused = run(add(), "/");
    assertThat(refused.state()).isEqualTo(JobState.REFUSED);
    assertThat(refused.message()).startsWith("needs 16.0 MiB, the disk cache can take 8.0 MiB");
    assertThat(tiers.askedFor()).isZero();

    JobStatus forced = run(with(false, true, Share.ALL, 0), "/");
    assertThat(forced.state()).isEqualTo(JobState.DONE);
    assertThat(tiers.blocks(CacheTier.DISK)).hasSize(2);
    assertThat(failed(forced.id())).isNotEmpty();
    assertThat(failed(forced.id()).values()).allMatch(reason -> reason.contains("full"));
    assertThat(tiers.held(CacheTier.DISK)).as("what the job held").isEmpty();
  }

  @Test
  void what_is_pinned_already_needs_no_room() throws IOException {
    tiers = FakeTiers.disk(17 * MIB);
    tree.file(root, "f", 16 * MIB);

    assertThat(run(with(true, false, Share.ALL, 0), "/f").state()).isEqualTo(JobState.DONE);
    assertThat(tiers.held(CacheTier.DISK)).hasSize(4);
    JobStatus again = run(with(true, false, Share.ALL, 0), "/f");
    assertThat(again.state()).isEqualTo(JobState.DONE);
    assertThat(again.bytesMoved()).isZero();

    tree.file(root, "g", 4 * MIB);
    assertThat(run(add(), "/g").state()).isEqualTo(JobState.REFUSED);
    assertThat(run(JobRequest.of(JobKind.EVICT, "", Storage.DISK), "/f").tiers())
        .containsExactly(new TierCount(CacheTier.DISK, 1, 16 * MIB));
    assertThat(run(add(), "/g").state()).isEqualTo(JobState.DONE);
  }

  @Test
  void what_is_there_unheld_needs_room_beside_what_others_have_pinned() throws IOException {
    tiers = FakeTiers.disk(17 * MIB);
    tree.file(root, "pinned", 8 * MIB);
    tree.file(root, "half", 4 * MIB);
    tree.file(root, "rest", 8 * MIB);
    assertThat(run(with(true, false, Share.ALL, 0), "/pinned").state()).isEqualTo(JobState.DONE);
    assertThat(run(add(), "/half").state()).isEqualTo(JobState.DONE);

    JobStatus refused = run(add(), "/half", "/rest"); // 12 of the 9 that are not pinned
    assertThat(refused.state()).isEqualTo(JobState.REFUSED);
    assertThat(refused.message()).startsWith("needs 12.0 MiB, the disk cache can take 9.0 MiB");
    assertThat(run(add(), "/pinned", "/rest").state()).isEqualTo(JobState.DONE);
  }

  @Test
  void a_hole_needs_no_room_whether_its_file_is_listed_or_found() throws IOException {
    InodeId d = tree.directory(root, "d");
    tree.sparse(d, "sparse", 8 * MIB, 10);

    assertThat(run(add(), "/d/sparse").bytesTotal()).isEqualTo(10);
    assertThat(run(add(), "/d").bytesTotal()).isEqualTo(10);
  }

  @Test
  void a_list_that_cannot_be_read_leaves_nothing_behind() throws IOException {
    InodeId list = tree.file(root, "list", 1);
    WarmupJobs jobs = open();
    CurveFsAttributes attributes =
        new CurveFsAttributes(
            jobs,
            "/mnt",
            (file, part) -> {
              throw new IOException("damaged");
            });
    for (int i = 0; i < 20; i++) {
      assertThatThrownBy(
              () ->
                  attributes.set(list, ByteString.copyFromUtf8("add\nlist\n/list\ndisk\n/mnt\n/")))
          .hasMessage("damaged");
    }
  }

  @Test
  void a_check_counts_whole_files_and_bytes_of_each_tier() throws IOException {
    tiers.tier(CacheTier.MEMCACHED, PLENTY);
    tree.file(root, "a", 6 * MIB);
    tree.file(root, "b", 100);
    assertThat(run(JobRequest.of(JobKind.ADD, "", Storage.BOTH), "/a").state())
        .isEqualTo(JobState.DONE);
    tiers.evict(new BlockId(tree.root().id().value() + 1, 0, 4 * MIB), CacheTier.MEMCACHED);

    JobStatus check = run(JobRequest.of(JobKind.CHECK, "", Storage.BOTH), "/");

    assertThat(check.filesCached()).isEqualTo(2);
    assertThat(check.bytesDone()).isEqualTo(6 * MIB + 100);
    assertThat(check.tiers())
        .containsExactly(
            new TierCount(CacheTier.DISK, 1, 6 * MIB),
            new TierCount(CacheTier.MEMCACHED, 0, 2 * MIB));
  }

  @Test
  void memcached_is_asked_for_many_blocks_at_once_and_for_none_alone() throws IOException {
    tiers = new FakeTiers().tier(CacheTier.MEMCACHED, PLENTY);
    InodeId d = tree.directory(root, "d");
    for (int i = 0; i < 600; i++) {
      tree.file(d, "f" + i, 1000);
    }
    tree.file(d, "large", 200L * MIB); // begins with the last small ones, goes on alone
    int blocks = 600 + 50;
    int batches = 4;

    for (int run = 0; run < 2; run++) {
      JobStatus job = run(JobRequest.of(JobKind.ADD, "", Storage.MEMCACHED), "/d");
      assertThat(job.state()).isEqualTo(JobState.DONE);
      assertThat(job.filesCached()).isEqualTo(601);
      assertThat(job.bytesMoved()).isEqualTo(run == 0 ? 600_000 + 200L * MIB : 0);
      assertThat(tiers.askedAlone).isEmpty();
      assertThat(tiers.asked).as("what was there is not touched again").hasSize(blocks);
      assertThat(tiers.presenceAsked).hasSizeLessThanOrEqualTo(batches);
      assertThat(tiers.presenceAsked).allMatch(size -> size <= PresenceAhead.BATCH_MAX);
      assertThat(tiers.presenceAsked.stream().mapToInt(size -> size).sum()).isEqualTo(blocks);
      tiers.presenceAsked.clear();
    }
  }

  @Test
  void when_nobody_answers_what_is_there_each_block_finds_out_for_itself() throws IOException {
    tiers = new FakeTiers().tier(CacheTier.MEMCACHED, PLENTY);
    for (int i = 0; i < 20; i++) {
      tree.file(root, "f" + i, 1000);
    }
    tiers.presenceFails = true;
    JobStatus job = run(JobRequest.of(JobKind.ADD, "", Storage.MEMCACHED), "/");
    assertThat(job.filesCached()).isEqualTo(20);
    assertThat(tiers.askedAlone).hasSize(20);
  }

  @Test
  void a_job_that_is_cancelled_ends_and_holds_nothing() throws Exception {
    for (int i = 0; i < 50; i++) {
      tree.file(root, "f" + i, 10);
    }
    tiers.allowed.drainPermits();
    tiers.allowed.release(5);
    WarmupJobs jobs = open();
    int id = begin(jobs, add(), "/");
    tiers.waiting.await();

    assertThat(jobs.cancel(id)).isTrue();
    tiers.allowed.release(1000);

    assertThat(end(jobs, id).state()).isEqualTo(JobState.CANCELLED);
    assertThat(tiers.blocks(CacheTier.DISK)).hasSizeLessThan(50);
    assertThat(tiers.held(CacheTier.DISK)).isEmpty();
    assertThat(jobs.cancel(999)).isFalse();
  }

  @Test
  void a_job_is_seen_to_have_ended_once_it_holds_nothing_and_is_saved() throws Exception {
    tree.file(root, "f", 10);
    WarmupJobs jobs = open();
    List<JobState> seen = new CopyOnWriteArrayList<>();
    tiers.releasing = job -> seen.add(jobs.status(job).orElseThrow().state());

    JobStatus job = run(add(), "/f");

    assertThat(seen).containsExactly(JobState.RUNNING);
    Path saved = directory.resolve("jobs").resolve(job.id() + ".job");
    assertThat(JobStore.read(saved).status()).isEqualTo(job);
  }

  @Test
  void an_error_ends_its_job_as_broken() throws IOException {
    tree.file(root, "f", 10);
    tiers.defect = new StackOverflowError("made up");

    JobStatus job = run(add(), "/f");

    assertThat(job.state()).isEqualTo(JobState.BROKEN);
    assertThat(job.message()).contains("StackOverflowError", "made up");
  }

  @Test
  void a_job_that_waits_for_its_turn_is_cancelled_at_once() throws Exception {
    tree.file(root, "f", 10);
    tiers.allowed.drainPermits();
    WarmupJobs jobs = open();
    for (int i = 0; i < 8; i++) {
      begin(jobs, add(), "/f");
    }
    int waiting = begin(jobs, with(false, false, Share.ALL, 32 * MIB), "/f");

    assertThat(jobs.cancel(waiting)).isTrue();

    assertThat(jobs.status(waiting).orElseThrow().state()).isEqualTo(JobState.CANCELLED);
    Path store = directory.resolve("jobs");
    assertThat(store.resolve(waiting + ".list")).doesNotExist();
    assertThat(JobStore.read(store.resolve(waiting + ".job")).status().state())
        .isEqualTo(JobState.CANCELLED);
  }

  @Test
  void a_block_that_comes_after_its_job_was_given_up_is_not_held() throws Exception {
    tiers.allowed.drainPermits();
    try (EntryFile none = new EntryFile(directory.resolve("none"), 0)) {
      Outcomes outcomes = new Outcomes(none, none, new Outcomes.Counters(registry));
      Warmer warmer =
          new Warmer(
              tiers,
              add(),
              7,
              new InFlight(32 * MIB),
              new Bandwidth(0, System::nanoTime, nanos -> {}),
              outcomes,
              new Stop(),
              null);
      InodeId file = tree.file(root, "f", 10);
      warmer
          .begin(new Parts.Target(ByteString.copyFromUtf8("/f"), file, 10))
          .blocks(FakeTree.blocksOf(file, 10));
      tiers.waiting.await();
      warmer.close(1);
      tiers.release(7);
      tiers.allowed.release(1);

      tiers.releases.acquire(2);
      assertThat(tiers.blocks(CacheTier.DISK)).hasSize(1);
      assertThat(tiers.held(CacheTier.DISK)).isEmpty();
    }
  }

  @Test
  void jobs_that_could_not_be_opened_are_opened_later() throws IOException {
    tree.file(root, "f", 10);
    JobStatus job = run(add(), "/f");
    opened.remove(0).close();
    Path jobs = directory.resolve("jobs");
    Path odd = Files.createDirectories(jobs.resolve("9.failed").resolve("odd"));
    SavedJob unfinished = JobStore.read(jobs.resolve(job.id() + ".job"));
    try (JobStore store = JobStore.open(jobs)) {
      store.save(withState(unfinished, 9, JobState.RUNNING));
    }
    assertThatThrownBy(this::open).isInstanceOf(IOException.class).hasMessageContaining("9.failed");

    Files.delete(odd);
    assertThat(open().status(job.id())).contains(job);
  }

  private static SavedJob withState(SavedJob job, int id, JobState state) {
    JobStatus s = job.status();
    return new SavedJob(
        new JobStatus(
            id, s.request(), state, s.createdSeconds(), 0, 0, 0, 0, 0, 0, 0, 0, 0, "", List.of()),
        job.origin());
  }

  @Test
  void an_interrupted_job_is_gone_on_with_and_an_ended_one_is_remembered() throws Exception {
    for (int i = 0; i < 50; i++) {
      tree.file(root, "f" + i, 10);
    }
    WarmupJobs first = open();
    JobStatus ended = run(add(), "/f0");
    tiers.allowed.drainPermits();
    int id = begin(first, add(), "/");
    tiers.waiting.await();
    Path crashed = copy(directory.resolve("jobs"), directory.resolve("crashed"));
    Thread closing =
        new Thread(
            () -> {
              try {
                first.close();
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            });
    closing.start();
    awaitEnding(first);
    tiers.allowed.release(1000);
    closing.join();
    assertThat(first.status(id).orElseThrow().state().isEnd()).as("interrupted").isFalse();
    assertThat(tiers.blocks(CacheTier.DISK)).hasSizeLessThan(50);

    for (Path where : List.of(directory.resolve("jobs"), crashed)) {
      WarmupJobs next = open(where);
      assertThat(next.status(ended.id()).orElseThrow()).isEqualTo(ended);
      assertThat(end(next, id).state()).isEqualTo(JobState.DONE);
      assertThat(next.status(id).orElseThrow().filesCached()).isEqualTo(50);
      assertThat(begin(next, add(), "/f0")).isGreaterThan(id);
    }
  }

  /** Once it refuses jobs, those that run have been told to end. */
  private static void awaitEnding(WarmupJobs jobs) {
    while (true) {
      try {
        jobs.add(add(), "none", null);
      } catch (IOException e) {
        if ("the mount is ending".equals(e.getMessage())) {
          return;
        }
      }
      pause();
    }
  }

  private static Path copy(Path from, Path to) throws IOException {
    Files.createDirectory(to);
    try (var files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
    return to;
  }

  @Test
  void another_process_cannot_have_the_same_jobs() throws IOException {
    open();
    assertThatThrownBy(this::open)
        .hasMessageContaining("has not ended yet")
        .hasMessageContaining(directory.toString());
  }

  @Test
  void a_huge_directory_is_never_far_ahead_of_the_blocks() throws Exception {
    int files = 50_000;
    tree.hugeDirectory(root, "huge", files);
    tiers.allowed.drainPermits();
    WarmupJobs jobs = open();
    int id = begin(jobs, add(), "/huge");
    tiers.waiting.await();
    long counted = files; // the first pass lists everything once
    for (int allowed = 0; allowed < files; allowed += 10_000) {
      tiers.allowed.release(10_000);
      while (tiers.askedFor() < allowed + 10_000) {
        pause();
      }
      assertThat(tree.filesListed.get() - counted - tiers.askedFor()).isLessThan(1000);
    }

    JobStatus job = end(jobs, id);
    assertThat(job.filesCached()).isEqualTo(files);
    assertThat(tree.partRequests.get()).isLessThanOrEqualTo(files / 256 + 1);
  }

  @Test
  void a_list_in_order_is_looked_up_page_by_page_and_any_other_one_by_one() throws IOException {
    InodeId d = tree.directory(root, "d");
    List<String> paths = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      tree.file(d, "f%04d".formatted(i), 10);
      paths.add("/d/f%04d".formatted(i));
    }
    paths.add("/d/g");
    assertThat(run(add(), paths.toArray(new String[0])).filesCached()).isEqualTo(1000);
    assertThat(tree.lookups.get()).as("two lookups a path otherwise").isLessThan(60);

    Collections.reverse(paths);
    JobStatus job = run(add(), paths.toArray(new String[0]));
    assertThat(job.filesCached()).isEqualTo(1000);
    assertThat(failed(job.id())).containsOnlyKeys("/d/g");
  }

  @Test
  void a_file_that_changes_is_read_again_and_given_up_when_it_never_rests() throws IOException {
    InodeId restless = tree.file(root, "restless", 300L * MIB);
    tree.restless.put(restless, new AtomicInteger());
    tree.file(root, "quiet", 300L * MIB);

    JobStatus job = run(add(), "/");

    assertThat(skipped(job.id())).isEqualTo(Map.of("/restless", Reasons.CHANGED));
    assertThat(job.filesCached()).isEqualTo(1);
  }

  @Test
  void symbolic_links_are_followed_within_the_mount() throws IOException {
    InodeId d = tree.directory(root, "d");
    InodeId data = tree.directory(root, "data");
    tree.file(data, "f", 10);
    tree.link(d, "relative", "../data/f");
    tree.link(d, "absolute", "/mnt/data");
    tree.link(d, "again", "../data");
    tree.link(d, "outside", "/etc/passwd");
    tree.link(d, "above", "../../x");
    tree.link(d, "dangling", "nothing");
    tree.link(d, "loop", ".");
    tree.link(d, "l1", "relative");
    tree.link(d, "l2", "l1");
    tree.link(d, "l3", "l2");
    tree.link(d, "l4", "l3");

    JobStatus job = run(add(), "/d");

    assertThat(skipped(job.id()))
        .containsOnlyKeys("/d/again", "/d/outside", "/d/above", "/d/dangling", "/d/loop", "/d/l4");
    assertThat(job.filesCached()).as("relative, absolute/f, l1, l2, l3").isEqualTo(5);
    assertThat(job.filesFailed()).isZero();
  }

  @Test
  void a_file_that_vanishes_before_its_turn_is_skipped() throws Exception {
    tree.file(root, "a", 10);
    tree.file(root, "b", 10);
    tiers.failures.put(root.value() + 1, Integer.MAX_VALUE);
    tiers.allowed.drainPermits();
    tiers.allowed.release(1);
    WarmupJobs jobs = open();
    int id = begin(jobs, with(false, false, Share.ALL, 0), "/a", "/b");
    tiers.waiting.await();
    tree.remove(root, "a"); // has failed once
    tiers.allowed.release(10);

    JobStatus job = end(jobs, id);
    assertThat(job.filesFailed() + job.filesSkipped() + job.filesCached()).isEqualTo(2);
    assertThat(skipped(id)).isEqualTo(Map.of("/a", Reasons.VANISHED));
  }

  @Test
  void shares_cover_every_chunk_exactly_once() throws IOException {
    long length = 1000L * MIB;
    List<BlockId> wanted = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      wanted.addAll(FakeTree.blocksOf(tree.file(root, "small" + i, 10), 10));
    }
    wanted.addAll(FakeTree.blocksOf(tree.file(root, "large", length), length));
    long files = 0;
    for (int host = 1; host <= 3; host++) {
      JobStatus job = run(with(false, false, new Share(host, 3), 0), "/");
      assertThat(job.filesCached()).isEqualTo(job.filesTotal()).isPositive();
      assertThat(job.bytesDone()).isEqualTo(job.bytesTotal());
      files += job.filesTotal();
    }

    assertThat(files).as("the large one is shared by all").isEqualTo(40 + 3);
    assertThat(tiers.asked).containsExactlyInAnyOrderElementsOf(wanted);
  }

  @Test
  void the_number_of_jobs_is_bounded_and_a_missing_tier_is_named() throws IOException {
    tree.file(root, "f", 10);
    tiers.allowed.drainPermits();
    WarmupJobs jobs = open();
    for (int i = 0; i < 64; i++) {
      begin(jobs, add(), "/f");
    }
    assertThatThrownBy(() -> begin(jobs, add(), "/f")).hasMessageContaining("64 jobs");
    assertThatThrownBy(() -> begin(jobs, JobRequest.of(JobKind.ADD, "", Storage.MEMCACHED), "/f"))
        .hasMessageContaining("no memcached servers");
    assertThatThrownBy(() -> jobs.add(add(), "unknown", null)).hasMessage("no paths were given");
  }

  @Test
  void in_a_known_order_the_window_is_kept_and_what_was_read_is_evicted() throws Exception {
    List<InodeId> files = new ArrayList<>();
    StringBuilder paths = new StringBuilder();
    for (int i = 0; i < 40; i++) {
      String name = "f%02d".formatted(i);
      files.add(tree.file(root, name, 4 * MIB));
      paths.append('/').append(name).append('\0');
    }
    WarmupJobs jobs = open();
    jobs.upload("order", ByteString.copyFromUtf8(paths.toString()));
    int id = jobs.add(with(false, false, Share.ALL, 32 * MIB), "order", null);
    for (int i = 0; i < 40; i++) {
      InodeId file = files.get(i);
      while (!tiers.blocks(CacheTier.DISK).contains(new BlockId(file.value(), 0, 4 * MIB))) {
        pause();
      }
      assertThat(tiers.blocks(CacheTier.DISK)).hasSizeLessThanOrEqualTo(32 / 4);
      jobs.opened(file);
      jobs.closed(file);
    }

    assertThat(end(jobs, id).filesCached()).isEqualTo(40);
    assertThat(tiers.asked).hasSize(40);
  }

  @Test
  void a_reader_that_is_faster_is_overtaken_in_turn() throws Exception {
    List<InodeId> files = new ArrayList<>();
    StringBuilder paths = new StringBuilder();
    for (int i = 0; i < 200; i++) {
      String name = "f%03d".formatted(i);
      files.add(tree.file(root, name, 4 * MIB));
      paths.append('/').append(name).append('\0');
    }
    WarmupJobs jobs = open();
    jobs.upload("order", ByteString.copyFromUtf8(paths.toString()));
    int id = jobs.add(with(false, false, Share.ALL, 32 * MIB), "order", null);
    while (tiers.askedFor() < 8) {
      pause();
    }
    for (int i = 150; i < 200; i++) {
      jobs.opened(files.get(i));
      jobs.closed(files.get(i));
    }

    JobStatus job = end(jobs, id);
    assertThat(job.filesCached() + job.filesSkipped()).isEqualTo(200);
    assertThat(skipped(id).values()).containsOnly("read before its turn came");
    assertThat(tiers.asked).doesNotContain(new BlockId(files.get(100).value(), 0, 4 * MIB));
  }

  @Test
  void one_open_far_ahead_is_not_the_reader() throws Exception {
    List<InodeId> files = new ArrayList<>();
    List<String> paths = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      String name = "f%03d".formatted(i);
      files.add(tree.file(root, name, 4 * MIB));
      paths.add("/" + name);
    }
    WarmupJobs jobs = open();
    int id = begin(jobs, with(false, false, Share.ALL, 32 * MIB), paths.toArray(new String[0]));
    while (tiers.askedFor() < 8) {
      pause();
    }
    jobs.opened(files.get(150));
    jobs.closed(files.get(150));
    for (int i = 0; i < 200; i++) {
      InodeId file = files.get(i);
      while (i != 150
          && !tiers.blocks(CacheTier.DISK).contains(new BlockId(file.value(), 0, 4 * MIB))) {
        pause();
      }
      jobs.opened(file);
      jobs.closed(file);
    }

    assertThat(end(jobs, id).filesCached()).isEqualTo(199);
    assertThat(skipped(id)).containsOnlyKeys("/f150");
  }

  private OrderedWindow window(long bytesMax) {
    Path none = directory.resolve("no-manifest");
    return new OrderedWindow(bytesMax, tiers, CacheTier.DISK, none, new Stop());
  }

  private static Parts.Target target(InodeId file, long length) {
    return new Parts.Target(ByteString.copyFromUtf8("/f"), file, length);
  }

  @Test
  void what_was_read_while_its_blocks_were_on_their_way_is_evicted_with_all_of_them()
      throws Exception {
    OrderedWindow window = window(10);
    InodeId first = new InodeId(11);
    BlockId block = new BlockId(11, 0, 10);
    OrderedWindow.Ahead ahead = window.admit(target(first, 10));
    window.named(ahead, List.of(block));
    window.opened(first);
    window.closed(first); // read before its block was there
    CompletableFuture<OrderedWindow.Ahead> second =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return window.admit(target(new InodeId(12), 10));
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
            });
    tiers.warm(block, CacheTier.DISK, new Hold(1, false));
    window.settled(ahead);

    assertThat(second.get()).isNotNull();
    assertThat(tiers.blocks(CacheTier.DISK)).isEmpty();
    assertThat(window.describe()).startsWith("1 files ahead");
  }

  @Test
  void files_without_bytes_fill_the_window_too() throws Exception {
    OrderedWindow window = window(10);
    for (int i = 0; i < OrderedWindow.FILES_MAX + 1000; i++) {
      InodeId file = new InodeId(i + 11);
      window.settled(window.admit(target(file, 0)));
      window.closed(file);
      assertThat(window.files()).isLessThanOrEqualTo(OrderedWindow.FILES_MAX);
    }
  }

  @Test
  void a_window_is_charged_with_the_files_that_are_in_it() throws IOException {
    tiers = FakeTiers.disk(MIB);
    String[] paths = new String[2000]; // 4 MiB with what each takes beside its bytes
    for (int i = 0; i < paths.length; i++) {
      tree.file(root, "f%04d".formatted(i), 500);
      paths[i] = "/f%04d".formatted(i);
    }
    WarmupJobs jobs = open();
    int id = begin(jobs, with(false, false, Share.ALL, 100_000), paths);
    while (tiers.askedFor() == 0 && !jobs.status(id).orElseThrow().state().isEnd()) {
      pause();
    }

    assertThat(jobs.status(id).orElseThrow().state()).isEqualTo(JobState.RUNNING);
  }

  @Test
  void memcached_servers_that_do_not_answer_are_named_as_such() throws IOException {
    tiers.tier(CacheTier.MEMCACHED, 0);
    tree.file(root, "f", 10);

    JobStatus job = run(JobRequest.of(JobKind.ADD, "", Storage.MEMCACHED), "/f");

    assertThat(job.state()).isEqualTo(JobState.REFUSED);
    assertThat(job.message()).startsWith("none of the memcached servers answers");
  }

  @Test
  void curvefs_asks_through_the_inodes_attribute() throws IOException {
    InodeId d = tree.directory(root, "d");
    tree.file(d, "f", 10);
    InodeId list = tree.file(root, "list", 1);
    WarmupJobs jobs = open();
    CurveFsAttributes attributes =
        new CurveFsAttributes(
            jobs,
            "/mnt",
            (file, part) -> {
              part.take(ByteString.copyFromUtf8("/mnt/d/f\n/els"));
              part.take(ByteString.copyFromUtf8("ewhere\n\n/mnt/none"));
            });
    attributes.set(d, ByteString.copyFromUtf8("add\nsingle\n/d\ndisk\n/mnt\n/"));
    end(jobs, 1);
    assertThat(attributes.get(d).toStringUtf8()).isEqualTo("finished");

    attributes.set(list, ByteString.copyFromUtf8("add\nlist\n/list\ndisk\n/mnt\n/\n"));
    end(jobs, 2);
    assertThat(attributes.get(list).toStringUtf8()).isEqualTo("finished, 2 of 3 failed");
    assertThat(failed(2)).containsOnlyKeys("/elsewhere", "/none");
    assertThat(attributes.list().toStringUtf8())
        .isEqualTo("1 /d finished\n2 /list finished, 2 of 3 failed\n");

    attributes.set(d, ByteString.copyFromUtf8("cancel\nsingle\n/d"));
    assertThatThrownBy(() -> attributes.get(root)).hasMessageContaining("no data");
    assertThatThrownBy(() -> attributes.set(d, ByteString.copyFromUtf8("destroy")))
        .hasMessageContaining("add or cancel");
  }

  @Test
  void a_request_comes_in_parts_of_any_size_also_to_a_read_only_mount() throws IOException {
    tree.file(root, "new\nline", 10);
    WarmupJobs jobs = open();
    for (boolean readOnly : List.of(false, true)) {
      WarmupAttributes attributes = new WarmupAttributes(jobs, readOnly);
      ByteString all =
          ByteString.copyFrom(WarmupMessages.json(add()))
              .concat(ByteString.copyFromUtf8("\0/new\nline\0/none\0"));
      String token = "token" + readOnly;
      for (int at = 0; at < all.size(); at += 7) {
        byte[] bytes = all.substring(at, Math.min(all.size(), at + 7)).toByteArray();
        tell(attributes, readOnly, "part", WarmupMessages.part(token, bytes, 0, bytes.length));
      }
      tell(attributes, readOnly, "add", token.getBytes(java.nio.charset.StandardCharsets.UTF_8));
      WarmupMessages.Answer answer =
          WarmupMessages.parse(
              attributes.get("answer." + token).toByteArray(), WarmupMessages.Answer.class);
      assertThat(answer.refusal()).isEmpty();
      JobStatus job = end(jobs, answer.job());

      assertThat(job.filesCached()).isEqualTo(1);
      assertThat(
              WarmupMessages.parse(
                  attributes.get("job." + job.id()).toByteArray(), JobStatus.class))
          .isEqualTo(job);
      assertThat(WarmupMessages.parseJobs(attributes.get("jobs").toByteArray())).contains(job);
      WarmupJobs.Records failed =
          WarmupMessages.parseRecords(attributes.get("failed." + job.id() + ".0").toByteArray());
      assertThat(named(failed)).containsOnlyKeys("/none");
    }
    assertThat(new WarmupAttributes(jobs, false).get("say.cancel.MQ")).isNull();
  }

  private static void tell(WarmupAttributes attributes, boolean readOnly, String verb, byte[] value)
      throws IOException {
    if (readOnly) {
      String name = WarmupMessages.said(verb, value);
      assertThat(name.length()).isLessThanOrEqualTo(255);
      assertThat(attributes.get(name.substring(WarmupMessages.PREFIX.length()))).isNotNull();
    } else {
      assertThat(attributes.set(verb, ByteString.copyFrom(value))).isTrue();
    }
  }
}

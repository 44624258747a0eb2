package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Cluster;
import io.curvefs.e2e.testing.Memcached;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.Shell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Warmups as users see them: what they say, and what reading costs afterwards. */
@Timeout(300)
class WarmupTest {
  private static final String GETS = "curvefs.s3.requests{verb=GET}";
  private static final String CHECKSUMS = "find . -type f -print0 | sort -z | xargs -0 md5sum";
  private static Cluster cluster;
  private static int fileSystems;

  @BeforeAll
  static void start() {
    cluster = new Cluster(1);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  private static Shell.Result warmup(Object... arguments) {
    List<Object> command = new ArrayList<>(List.of(Checkout.CURVEFS, "warmup"));
    command.addAll(List.of(arguments));
    return Shell.run(command.toArray());
  }

  private static JsonNode json(Shell.Result result) {
    return JsonMapper.shared().readTree(result.out());
  }

  /** A file system with a tree, written by a mount that is gone. */
  private static String filled(Cluster on, String script) {
    String name = "warm-" + ++fileSystems;
    on.createFileSystem(name);
    Mount writer = on.mount(name);
    Shell.bash(writer.root(), script);
    writer.unmount();
    return name;
  }

  private static String random(int files, int kibibytes) {
    return "for i in $(seq %d); do head -c %dK /dev/urandom > f$i; done; "
        .formatted(files, kibibytes);
  }

  private static double metadata(Mount mount) {
    return mount.statistics().entrySet().stream()
        .filter(entry -> entry.getKey().startsWith("curvefs.meta.requests"))
        .filter(entry -> !entry.getKey().contains("HEARTBEAT"))
        .filter(entry -> !entry.getKey().contains("KEEP_OPEN"))
        .mapToDouble(Map.Entry::getValue)
        .sum();
  }

  private static double asked(Mount mount, String operation) {
    return mount.counted("curvefs.meta.requests{operation=" + operation + "}");
  }

  @Test
  void after_a_warmup_reading_needs_no_object_and_listing_no_request() {
    String name =
        filled(
            cluster,
            "for d in a b c; do mkdir $d; (cd $d; "
                + random(100, 5)
                + "); done;"
                + " head -c 20M /dev/urandom > large; touch empty; ln -s a/f1 link; mkfifo pipe");
    Mount mount = cluster.mount(name, "attr_timeout=600", "entry_timeout=600");
    Shell.Result warmed = warmup("add", mount.root());

    assertThat(warmed.exit()).as(warmed.out() + warmed.err()).isZero();
    assertThat(warmed.err()).contains("303 files, 21.5 MiB");
    assertThat(warmed.out()).contains("cached 303 files (21.5 MiB", "failed 0, skipped 1");
    assertThat(asked(mount, "GET_FILES")).as("few requests").isLessThanOrEqualTo(6);
    assertThat(asked(mount, "GET_CHUNKS") + asked(mount, "OPEN")).isZero();

    double before = metadata(mount);
    assertThat(Shell.bash(mount.root(), "ls -lR | wc -l").strip()).isNotEqualTo("0");
    assertThat(metadata(mount) - before).as("requests of ls -lR").isZero();
    double gets = mount.counted(GETS);
    String warm = Shell.bash(mount.root(), CHECKSUMS);
    assertThat(mount.counted(GETS) - gets).as("objects of reading everything").isZero();
    assertThat(mount.counted("curvefs.warmup.files{outcome=cached}")).isEqualTo(303);

    JsonNode check = json(warmup("check", mount.root(), "--json").ok());
    assertThat(check.at("/files").asInt()).isEqualTo(303);
    assertThat(check.at("/tiers/disk/percent").asDouble()).isEqualTo(100);
    assertThat(warmup("evict", mount.path("a")).ok().out()).contains("disk: 100 files");
    assertThat(json(warmup("check", mount.root(), "--json").ok()).at("/tiers/disk/files").asInt())
        .isEqualTo(303 - 100 - 1); // the link's file is gone with its directory
    mount.dropCaches();
    assertThat(Shell.bash(mount.root(), CHECKSUMS)).isEqualTo(warm);
    mount.unmount();
  }

  @Test
  void three_unreadable_objects_are_three_named_failures_and_their_list_is_taken_back()
      throws IOException {
    String name =
        filled(
            cluster,
            random(20, 8)
                + "mkdir 'd \u00e4'; for n in 1 2 3; do head -c 1234$n /dev/urandom > \"d \u00e4/bad$n\";"
                + " done");
    List<Path> objects =
        cluster.objects().stream()
            .filter(object -> object.getFileName().toString().matches(".*_0_1234[123]"))
            .toList();
    assertThat(objects).hasSize(3);
    Path away = Files.createDirectory(cluster.directory().resolve("away"));
    for (Path object : objects) {
      Files.move(object, away.resolve(object.getFileName()));
    }
    Mount mount = cluster.mount(name);
    Path list = cluster.directory().resolve("failed");
    Shell.Result warmed = warmup("add", mount.root(), "--failed-to", list);

    assertThat(warmed.exit()).isEqualTo(1);
    assertThat(warmed.out()).contains("cached 20 files", "failed 3, skipped 0");
    assertThat(warmed.err().lines().filter(line -> line.startsWith("failed: "))).hasSize(3);
    assertThat(warmed.err()).contains("/bad1: ", "/bad2: ", "/bad3: ");
    assertThat(Shell.bash(mount.root(), "LC_ALL=C sort " + list))
        .isEqualTo(Shell.bash(mount.root(), "LC_ALL=C; ls -d $PWD/d*/bad*"));

    for (Path object : objects) {
      Files.move(away.resolve(object.getFileName()), object);
    }
    Shell.Result again = warmup("add", "--filelist", list).ok();
    assertThat(again.out()).contains("cached 3 files", "failed 0");
    Files.writeString(list, mount.root() + "/none\n/etc/passwd\n" + mount.root() + "/f1\n");
    Shell.Result odd = warmup("add", "--filelist", list);
    assertThat(odd.exit()).isEqualTo(1);
    assertThat(odd.err())
        .contains("/none: no such file or directory", "/etc/passwd: not in this mount");
    assertThat(odd.out()).contains("cached 1 files");
    mount.unmount();
  }

  @Test
  void a_cache_that_is_too_small_is_told_of_before_anything_is_fetched() {
    String name = filled(cluster, random(1, 40 << 10) + random(8, 4 << 10));
    Mount mount = cluster.mount(name, "cache_size=16M");
    Shell.Result refused = warmup("add", mount.root());
    assertThat(refused.exit()).isEqualTo(1);
    assertThat(refused.err()).contains("the disk cache can take 16.0 MiB", "--force");
    assertThat(mount.counted(GETS)).isZero();

    Shell.Result forced = warmup("add", mount.root(), "--force");
    assertThat(forced.exit()).as("some cannot be cached").isEqualTo(1);
    assertThat(forced.err()).contains("the disk cache");
    int cached = json(warmup("check", mount.root(), "--json").ok()).at("/tiers/disk/files").asInt();
    assertThat(forced.out()).contains("cached " + cached + " files");

    Shell.Result large = warmup("add", mount.path("f2"), mount.path("f3"), "--pin").ok();
    assertThat(large.out()).contains("cached 2 files");
    assertThat(warmup("add", mount.path("f4"), mount.path("f5")).exit())
        .as("no room beside what is pinned")
        .isEqualTo(1);
    warmup("evict", mount.root()).ok();
    warmup("add", mount.path("f4"), mount.path("f5")).ok();
    mount.unmount();
  }

  /** A job that takes some seconds, begun. */
  private static int slowJob(Mount mount) {
    return Integer.parseInt(
        warmup("add", mount.root(), "-d", "--bandwidth", "4M", "--threads", 2).ok().out().strip());
  }

  private static JsonNode status(Mount mount, int job) {
    return json(warmup("status", job, "--mount", mount.root(), "--json")).at("/job");
  }

  /** The job knows its files by then: what is made or removed now is none of them. */
  private static void awaitBegun(Mount mount, int job) {
    Await.until(
        "the warmup's first bytes",
        Duration.ofSeconds(30),
        () -> status(mount, job).at("/bytesMoved").asLong() > 0);
  }

  @Test
  void jobs_go_on_after_unmount_and_after_kill_9_while_others_read_and_write() throws IOException {
    String name = filled(cluster, random(40, 512));
    Mount mount = cluster.mount(name);
    String checksums = Shell.bash(mount.root(), CHECKSUMS);
    for (boolean killed : List.of(false, true)) {
      mount.dropCaches();
      int job = slowJob(mount);
      awaitBegun(mount, job);
      Files.writeString(mount.path("written"), "meanwhile");
      assertThat(Files.readAllBytes(mount.path("f40"))).hasSize(512 << 10);
      assertThat(Files.readString(mount.path("written"))).isEqualTo("meanwhile");
      Files.delete(mount.path("written"));
      if (killed) {
        mount.kill();
      } else {
        mount.unmount();
      }
      mount.mount();

      Shell.Result end = warmup("status", job, "--mount", mount.root(), "--watch");
      assertThat(end.exit()).as(end.out() + end.err()).isZero();
      assertThat(end.out()).contains("cached 40 files");
      double gets = mount.counted(GETS);
      assertThat(Shell.bash(mount.root(), CHECKSUMS)).isEqualTo(checksums);
      assertThat(mount.counted(GETS) - gets).isZero();
    }
    assertThat(warmup("list").ok().out()).contains(mount.root() + ":");
    mount.unmount();
  }

  @Test
  void a_job_is_cancelled_in_its_middle_and_seen_by_others() {
    String name = filled(cluster, random(40, 512));
    Mount mount = cluster.mount(name);
    int job = slowJob(mount);
    awaitBegun(mount, job);
    assertThat(warmup("list", mount.root()).ok().out()).contains("running");
    warmup("cancel", job, "--mount", mount.root()).ok();

    Shell.Result end = warmup("status", job, "--mount", mount.root(), "--watch");
    assertThat(end.exit()).isEqualTo(1);
    assertThat(status(mount, job).at("/state").asString()).isEqualTo("CANCELLED");
    assertThat(status(mount, job).at("/filesCached").asInt()).isLessThan(40);
    mount.unmount();
  }

  @Test
  void curvefs_ways_work_and_so_does_a_read_only_mount() {
    String name = filled(cluster, "mkdir d; cd d; " + random(10, 8));
    Mount mount = cluster.mount(name);
    Shell.bash(
        mount.root(),
        "printf '%s\\n' $PWD/d/f1 $PWD/d/f2 > list; setfattr -n curvefs.warmup.op -v \"$(printf"
            + " 'add\\nsingle\\n/d\\ndisk\\n%s\\n/' $PWD)\" d");
    awaitFinished(mount, "d");
    Shell.bash(
        mount.root(),
        "setfattr -n curvefs.warmup.op -v \"$(printf 'add\\nlist\\n/list\\ndisk\\n%s\\n/' $PWD)\""
            + " list");
    awaitFinished(mount, "list");
    assertThat(
            Shell.bash(
                mount.root(),
                "getfattr --only-values --absolute-names -n curvefs.warmup.op.list ."))
        .isEqualTo("1 /d finished\n2 /list finished\n");
    assertThat(
            json(warmup("check", mount.path("d"), "--json").ok()).at("/tiers/disk/files").asInt())
        .isEqualTo(10);
    mount.unmount();

    Mount readOnly = cluster.mount(name, "ro");
    assertThat(warmup("add", readOnly.path("d")).ok().out()).contains("cached 10 files");
    readOnly.unmount();
  }

  /** What another user gets, or why not; the way to the mount is not open to it. */
  private static String asOther(String groups, String attribute, Mount mount) {
    return Shell.bash(
        mount.root(),
        "setpriv --reuid=65534 --regid=65534 "
            + groups
            + " getfattr -n curvefs.warmup."
            + attribute
            + " . 2>&1 || true");
  }

  @Test
  void who_may_only_read_the_root_commands_nothing_and_learns_no_names() {
    String name = filled(cluster, "chmod 775 .; " + random(1, 8));
    Mount mount = cluster.mount(name, "ro", "allow_other");
    warmup("add", mount.root()).ok();

    assertThat(asOther("--clear-groups", "jobs", mount)).contains("curvefs.warmup.jobs=");
    for (String attribute : List.of("say.cancel.MQ", "failed.1.0", "skipped.1.0")) {
      assertThat(asOther("--clear-groups", attribute, mount)).contains("Permission denied");
      assertThat(asOther("--groups=0", attribute, mount)).contains(attribute + "=");
    }
    mount.unmount();
  }

  private static void awaitFinished(Mount mount, String path) {
    Await.until(
        "the warmup of " + path,
        Duration.ofSeconds(30),
        () ->
            Shell.bash(mount.root(), "getfattr --only-values -n curvefs.warmup.op " + path)
                .equals("finished"));
  }

  @Test
  void a_set_that_is_larger_than_the_cache_is_read_in_its_order_behind_the_warmup()
      throws IOException {
    String name = filled(cluster, random(40, 1024));
    Mount mount = cluster.mount(name, "cache_size=16M", "memory_cache=16M");
    Path order = cluster.directory().resolve("order");
    Shell.bash(mount.root(), "for i in $(seq 40); do echo $PWD/f$i; done > " + order);
    String job = warmup("add", "--order", order, "--window", "8M", "-d").ok().out().strip();
    Await.until(
        "a window ahead",
        Duration.ofSeconds(30),
        () -> mount.counted("curvefs.warmup.bytes") == 8 << 20);
    for (int i = 1; i <= 40; i++) {
      assertThat(Files.readAllBytes(mount.path("f" + i))).hasSize(1 << 20);
    }

    Shell.Result end = warmup("status", job, "--mount", mount.root(), "--watch").ok();
    assertThat(end.out()).contains("failed 0");
    JsonNode status = status(mount, Integer.parseInt(job));
    assertThat(status.at("/filesCached").asInt() + status.at("/filesSkipped").asInt())
        .isEqualTo(40);
    assertThat(mount.counted("curvefs.cache.bytes{tier=disk}")).isLessThanOrEqualTo(16 << 20);
    assertThat(mount.counted(GETS)).as("each object is fetched once").isEqualTo(40);
    mount.unmount();
  }

  @Test
  void hosts_warm_their_shares_into_memcached_and_another_reads_without_an_object() {
    String name = filled(cluster, random(30, 64) + "head -c 200M /dev/urandom > large");
    try (Memcached server = Memcached.start("-m", "512")) {
      cluster.cacheCluster("add", "warm", server.address()).ok();
      cluster.cacheCluster("bind", "warm", "--fs", name).ok();
      List<Mount> hosts = List.of(cluster.mount(name), cluster.mount(name));
      double gets = 0;
      for (int i = 0; i < 2; i++) {
        Mount host = hosts.get(i);
        warmup("add", host.root(), "--distribute", (i + 1) + "/2").ok();
        gets += host.counted(GETS);
      }
      assertThat(gets).as("each block is fetched by one host").isEqualTo(30 + 200 / 4);

      Mount reader = cluster.mount(name);
      JsonNode check = json(warmup("check", reader.root(), "--json").ok());
      assertThat(check.at("/tiers/memcached/percent").asDouble()).isEqualTo(100);
      assertThat(check.at("/tiers/disk/files").asInt()).isZero();
      String checksums = Shell.bash(reader.root(), CHECKSUMS);
      assertThat(reader.counted(GETS)).isZero();
      assertThat(Shell.bash(hosts.get(0).root(), CHECKSUMS)).isEqualTo(checksums);
      warmup("evict", reader.root(), "--storage", "both").ok();
      check = json(warmup("check", reader.root(), "--json").ok());
      assertThat(check.at("/tiers/memcached/files").asInt()).isZero();
      warmup("add", reader.path("f1"), "--storage", "both").ok();
      check = json(warmup("check", reader.path("f1"), "--json").ok());
      assertThat(check.at("/tiers/memcached/files").asInt()).isEqualTo(1);
      assertThat(check.at("/tiers/disk/files").asInt()).isEqualTo(1);
      hosts.forEach(Mount::unmount);
      reader.unmount();
      cluster.cacheCluster("unbind", "--fs", name).ok();
      cluster.cacheCluster("remove", "warm").ok();
    }
  }

  @Test
  @Tag("long")
  @Timeout(7200)
  void a_directory_of_a_million_files_is_warmed_with_few_requests() {
    String name = "warm-million";
    cluster.createFileSystem(name);
    Mount mount = cluster.mount(name);
    Shell.bash(mount.root(), "mkdir huge");
    for (int part = 0; part < 100; part++) {
      Shell.bash(
          mount.path("huge"),
          "seq %d %d | xargs -P 8 -n 500 bash -c 'for i; do if (( i %% 1000 == 0 )); then echo $i > $i; else"
                  .formatted(part * 10_000, part * 10_000 + 9_999)
              + " : > $i; fi; done' _");
    }
    mount.dropCaches();
    double before = metadata(mount);
    Shell.Result warmed = warmup("add", mount.path("huge")).ok();

    assertThat(warmed.out()).contains("cached 1000000 files", "failed 0, skipped 0");
    assertThat(metadata(mount) - before).isLessThan(2 * (1_000_000 / 2048.0 + 5) + 20);
    double gets = mount.counted(GETS);
    Shell.bash(
        mount.path("huge"),
        "for i in $(seq 0 1000 999999); do test \"$(cat $i)\" = $i || exit 1; done");
    assertThat(mount.counted(GETS) - gets).isZero();
    mount.unmount();
  }
}

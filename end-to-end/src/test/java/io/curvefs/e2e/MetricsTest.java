package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Await;
import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Cluster;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.Scrape;
import io.curvefs.e2e.testing.SharedCluster;
import io.curvefs.e2e.testing.Shell;
import io.curvefs.e2e.testing.Storage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a real mount and a real metaserver tell of themselves. */
@Timeout(300)
class MetricsTest {
  private static final int BLOCK = 4 << 20;

  /** Names of statistics in the documentation's tables: what a row begins with. */
  private static final Pattern DOCUMENTED =
      Pattern.compile("^\\| `((?:curvefs|process)\\.[a-z0-9.]+)(?:\\{[^`]*})?`", Pattern.MULTILINE);

  private static Cluster cluster;
  private static Mount mount;
  private static Path accessLog;

  @TempDir private Path dir;

  @BeforeAll
  static void mount() throws IOException {
    cluster = SharedCluster.get();
    accessLog = cluster.directory().resolve("metrics-access.log");
    mount =
        cluster.mount(
            SharedCluster.newFileSystem(), "metrics=127.0.0.1:0", "access_log=" + accessLog);
    Files.write(mount.path("block"), new byte[BLOCK]);
    Shell.bash(
        mount.root(),
        """
        cat absent 2> /dev/null || true
        mkdir "it's"
        ln -s block symbolic
        ln block hard
        mv hard "it's"/renamed
        python3 -c 'import os; os.setxattr("block", "user.a", b"four")'
        """);
    mount.dropCaches();
    Shell.bash(mount.root(), "cat block > /dev/null");
  }

  @AfterAll
  static void unmount() {
    mount.unmount();
  }

  private static Scrape mountMetrics() {
    return metrics(mount);
  }

  private static Scrape metrics(Mount mount) {
    long port = Math.round(mount.counted("curvefs.metrics.port"));
    return Scrape.of(URI.create("http://127.0.0.1:" + port + "/metrics"));
  }

  private static Scrape serverMetrics() {
    return Scrape.of(cluster.metrics(1));
  }

  private static String underscored(String name) {
    return name.replaceFirst("\\{.*", "").replace('.', '_');
  }

  @Test
  void all_that_stats_shows_is_served_to_prometheus_and_nothing_else() {
    Set<String> shown = new TreeSet<>();
    mount.statistics().keySet().forEach(name -> shown.add(underscored(name)));

    assertThat(mountMetrics().statisticsNames()).isEqualTo(shown);
  }

  @Test
  void counters_are_counters_gauges_are_gauges_and_their_values_are_those_of_stats() {
    Map<String, Double> shown = mount.statistics();
    Scrape served = mountMetrics();

    assertThat(served.families())
        .containsEntry("curvefs_s3_requests_total", "counter")
        .containsEntry("curvefs_cache_hits_total", "counter")
        .containsEntry("curvefs_cache_bytes", "gauge")
        .containsEntry("curvefs_fuse_operations_seconds", "histogram")
        .containsEntry("process_cpu_seconds_total", "counter");
    assertThat(served.samples())
        .containsEntry(
            "curvefs_s3_requests_total{verb=\"PUT\"}", shown.get("curvefs.s3.requests{verb=PUT}"))
        .containsEntry("curvefs_s3_bytes_sent_total", (double) BLOCK)
        .containsEntry("curvefs_s3_answers_seconds_count{verb=\"PUT\"}", 1.0)
        .containsEntry("curvefs_buffer_bytes_max", shown.get("curvefs.buffer.bytes.max"));
    assertThat(served.samples().get("curvefs_s3_answers_seconds_sum{verb=\"GET\"}")).isPositive();
    assertThat(served.samples().get("curvefs_meta_answers_seconds_count{operation=\"CREATE\"}"))
        .isEqualTo(shown.get("curvefs.meta.requests{operation=CREATE}"));
  }

  @Test
  void a_metaserver_tells_of_its_requests_groups_rows_and_sessions() {
    Scrape served = serverMetrics();
    Map<String, Double> samples = served.samples();

    assertThat(samples.get("curvefs_server_requests_seconds_count{operation=\"CREATE\"}"))
        .isPositive();
    assertThat(samples.get("curvefs_sessions")).isPositive();
    double inodes = 0;
    for (int group = 0; group <= 3; group++) {
      String tag = "{group=\"" + group + "\"}";
      assertThat(samples)
          .containsEntry("curvefs_raft_leader" + tag, 1.0)
          .hasEntrySatisfying("curvefs_raft_term" + tag, term -> assertThat(term).isPositive())
          .hasEntrySatisfying(
              "curvefs_raft_log_bytes" + tag, bytes -> assertThat(bytes).isPositive())
          .hasEntrySatisfying(
              "curvefs_raft_log_writes_seconds_count" + tag,
              writes -> assertThat(writes).isPositive());
      assertThat(samples.get("curvefs_raft_applied_index" + tag))
          .isLessThanOrEqualTo(samples.get("curvefs_raft_last_index" + tag));
      inodes += samples.getOrDefault("curvefs_group_inodes" + tag, 0.0);
    }
    assertThat(inodes).isGreaterThanOrEqualTo(3); // the root, the block and the directory
  }

  @Test
  void each_entry_of_a_group_alone_is_one_fsynced_write_of_its_log_at_most() throws IOException {
    Scrape before = serverMetrics();
    for (int i = 0; i < 20; i++) {
      Files.createFile(mount.path("entry-" + i));
    }
    Scrape after = serverMetrics();

    double entries = grown("curvefs_raft_commits_seconds_count", before, after);
    assertThat(entries).isGreaterThanOrEqualTo(20);
    assertThat(grown("curvefs_raft_log_writes_seconds_count", before, after))
        .isBetween(1.0, entries);
  }

  private static double grown(String name, Scrape before, Scrape after) {
    return sum(name, after) - sum(name, before);
  }

  private static double sum(String name, Scrape scrape) {
    return scrape.samples().entrySet().stream()
        .filter(sample -> sample.getKey().startsWith(name + "{"))
        .mapToDouble(Map.Entry::getValue)
        .sum();
  }

  @Test
  void every_metric_is_documented_and_every_documented_one_is_there() throws IOException {
    Set<String> documented = new TreeSet<>();
    Matcher rows = DOCUMENTED.matcher(Files.readString(Checkout.HOME.resolve("docs/metrics.md")));
    while (rows.find()) {
      documented.add(underscored(rows.group(1)));
    }
    Set<String> served = new TreeSet<>(mountMetrics().statisticsNames());
    served.addAll(serverMetrics().statisticsNames());
    Mount onVolume =
        cluster.mount(SharedCluster.newFileSystem(Storage.VOLUME), "metrics=127.0.0.1:0");
    served.addAll(metrics(onVolume).statisticsNames());
    onVolume.unmount();

    assertThat(served).isEqualTo(documented);
  }

  @Test
  void the_dashboard_asks_only_for_what_is_there() throws IOException {
    Path file = Checkout.HOME.resolve("docs/grafana-dashboard.json");
    JsonNode dashboard = JsonMapper.shared().readTree(Files.readString(file));
    List<String> queries = new ArrayList<>();
    dashboard
        .get("panels")
        .forEach(
            panel ->
                panel
                    .path("targets")
                    .forEach(target -> queries.add(target.get("expr").asString())));
    dashboard
        .get("templating")
        .get("list")
        .forEach(variable -> queries.add(variable.get("query").path("query").asString("")));
    Set<String> there = new TreeSet<>(mountMetrics().seriesNames());
    there.addAll(serverMetrics().seriesNames());

    Set<String> asked = new TreeSet<>();
    Pattern metric = Pattern.compile("\\b(?:curvefs|process)_[a-z0-9_]+");
    queries.forEach(query -> metric.matcher(query).results().forEach(m -> asked.add(m.group())));
    assertThat(asked).hasSizeGreaterThan(30).isSubsetOf(there);
  }

  @Test
  void an_endpoint_on_a_port_that_is_taken_is_refused_in_one_line_that_names_the_option()
      throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String address = "127.0.0.1:" + taken.getLocalPort();
      assertThat(
              Shell.run(
                      Checkout.MOUNT,
                      cluster.addresses() + "/" + mount.fileSystem(),
                      dir,
                      "-o",
                      "metrics=" + address + ",cache_size=0,log_file=" + dir.resolve("log"))
                  .oneLineError())
          .contains("option metrics=" + address, "in use");
      assertThat(
              Shell.run(
                      Checkout.CURVEFS,
                      "metaserver",
                      "--id",
                      "1",
                      "--listen",
                      "127.0.0.1:9",
                      "--data-dir",
                      dir.resolve("data"),
                      "--metrics",
                      address)
                  .oneLineError())
          .contains("--metrics=" + address, "in use");
    }
  }

  // ---- curvefs stats ----

  @Test
  void stats_goes_on_with_a_line_for_each_interval_and_repeats_no_header_on_one_screen() {
    String out =
        Shell.run(Checkout.CURVEFS, "stats", mount.root(), "--interval", "1", "--count", "2")
            .ok()
            .out();

    List<String> lines = out.strip().lines().toList();
    assertThat(lines).hasSize(4);
    assertThat(lines.get(0)).contains("fuse", "meta", "hit%", "memcached", "s3", "buffer", "raft");
    assertThat(lines.get(1)).contains("cpu%", "ops");
    assertThat(lines.get(2).split("\\|")).hasSize(8);
    assertThat(lines.get(2))
        .as("the answers of metaservers are there")
        .doesNotEndWith("-|    -     -");
  }

  @Test
  void stats_without_a_terminal_is_every_counter_and_json_is_one_document() {
    assertThat(Shell.run(Checkout.CURVEFS, "stats", mount.root()).ok().out())
        .contains("curvefs.s3.requests{verb=PUT}", "process.cpu.seconds");
    JsonNode document =
        JsonMapper.shared()
            .readTree(Shell.run(Checkout.CURVEFS, "stats", mount.root(), "--json").ok().out());
    assertThat(document.get("curvefs.s3.requests{verb=PUT}").asDouble()).isEqualTo(1);
  }

  @Test
  void control_c_is_a_good_end_and_a_mount_that_goes_away_is_told() throws Exception {
    Mount other = cluster.mount(SharedCluster.newFileSystem());
    Path out = dir.resolve("out");
    Process watching = stats(mount, out);
    Process losing = stats(other, dir.resolve("lost"));
    Shell.run("kill", "-INT", watching.pid()).ok();
    assertThat(watching.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(watching.exitValue()).isZero();

    other.unmount();
    assertThat(losing.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(losing.exitValue()).isNotZero();
    assertThat(Files.readString(dir.resolve("lost")))
        .contains("curvefs: the mount at " + other.root() + " is gone");
  }

  /**
   * Live statistics that have shown their first line. They hear SIGINT even if these tests run in
   * the background of a shell, where it is ignored.
   */
  private static Process stats(Mount of, Path out) throws IOException {
    Process process =
        Checkout.process(
                List.of(
                    "env",
                    "--default-signal=INT",
                    Checkout.CURVEFS.toString(),
                    "stats",
                    of.root().toString(),
                    "--interval",
                    "1"))
            .redirectErrorStream(true)
            .redirectOutput(out.toFile())
            .start();
    Await.until(
        "a line of statistics", Duration.ofSeconds(60), () -> Files.readAllLines(out).size() >= 3);
    return process;
  }

  // ---- access log and profile ----

  @Test
  void the_access_log_has_a_line_for_each_request_with_its_caller_and_result() {
    Await.until(
        "the lines",
        Duration.ofSeconds(10),
        () -> Files.readString(accessLog).contains("read (inode"));
    assertThat(accessLog)
        .content()
        .containsPattern("create \\(inode 1, 'block', mode 100644\\): OK <0\\.\\d{6}>")
        .containsPattern("lookup \\(inode 1, 'absent'\\): ENOENT <")
        .containsPattern("symlink \\(inode 1, 'symbolic' to 'block'\\): OK <")
        .containsPattern("link \\(inode \\d+, to inode 1, 'hard'\\): OK <")
        .containsPattern("rename \\(inode 1, 'hard' to inode \\d+, 'renamed'\\): OK <")
        .containsPattern("setxattr \\(inode \\d+, 'user.a', 4 B\\): OK <")
        .containsPattern("mkdir \\(inode 1, 'it\\\\x27s', mode \\d*755\\): OK <")
        .containsPattern(
            "Z \\[uid:0,gid:0,pid:[1-9]\\d*] write \\(inode \\d+, \\d+ B at 0\\): OK <")
        .containsPattern("read \\(inode \\d+, \\d+ B at 0\\): OK <");
    assertThat(mount.counted("curvefs.access.log.lines")).isPositive();
    assertThat(mount.counted("curvefs.access.log.dropped")).isZero();
  }

  @Test
  void a_profile_adds_up_what_the_log_says_and_leaves_out_what_is_none_of_it() throws IOException {
    Path log = dir.resolve("log");
    Shell.bash(dir, "{ cat " + accessLog + "; echo nonsense; } > " + log);
    long writes = Files.readAllLines(log).stream().filter(l -> l.contains("] write (")).count();

    Shell.Result table = Shell.run(Checkout.CURVEFS, "profile", log);
    assertThat(table.ok().out())
        .contains("OP", "COUNT", "SHARE %")
        .containsPattern("write +" + writes + " ");
    assertThat(table.err()).contains("1 lines are none of an access log");

    JsonNode document =
        JsonMapper.shared()
            .readTree(Shell.bash(dir, Checkout.CURVEFS + " profile - --by uid --json < " + log));
    JsonNode interval = document.get("intervals").get(0);
    assertThat(interval.get("malformed").asInt()).isEqualTo(1);
    assertThat(interval.get("lines").get(0).get("key").asString()).isEqualTo("0");
    assertThat(interval.get("lines").get(0).get("count").asLong())
        .isEqualTo(Files.readAllLines(log).size() - 1);
  }

  @Test
  void a_mount_with_an_access_log_is_profiled_as_it_goes_on() {
    // The question itself makes requests, which the log has.
    assertThat(
            Shell.bash(
                mount.root(),
                "(while sleep 0.1; do cat block > /dev/null; done) & reader=$!;"
                    + " trap \"kill $reader\" EXIT;"
                    + Checkout.CURVEFS
                    + " profile "
                    + mount.root()
                    + " --interval 2 --count 2"))
        .contains("open", "release");
  }

  @Test
  void a_mount_without_an_access_log_cannot_be_profiled_and_says_what_to_do() {
    Mount other = cluster.mount(SharedCluster.newFileSystem());
    assertThat(Shell.run(Checkout.CURVEFS, "profile", other.root()).oneLineError())
        .contains("-o access_log=FILE");
    other.unmount();
  }

  @Test
  void an_access_log_in_the_mount_itself_or_in_no_directory_is_refused() {
    String spec = cluster.addresses() + "/" + mount.fileSystem();
    String options = "cache_size=0,log_file=" + dir.resolve("log") + ",access_log=";
    assertThat(
            Shell.run(Checkout.MOUNT, spec, dir, "-o", options + dir.resolve("a")).oneLineError())
        .contains("access_log", "in the mount itself");
    assertThat(Shell.run(Checkout.MOUNT, spec, dir, "-o", options + "/absent/a").oneLineError())
        .contains("access_log=/absent/a");
    assertThat(Shell.run(Checkout.MOUNT, spec, dir, "-o", options + "a").oneLineError())
        .contains("access_log", "begin with '/'");
  }
}

package io.curvefs.client.cli;

import io.curvefs.client.accesslog.AccessLogTail;
import io.curvefs.client.accesslog.AccessProfile;
import io.curvefs.client.accesslog.ProfileSeries;
import io.curvefs.client.bench.TextTable;
import io.curvefs.client.mount.MountHandle;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Says where the time of a mount's requests went, from its access log. */
@Command(
    name = "profile",
    description = {
      "Say where the time of requests went: from an access log, or of a mount as it goes on.",
      "A mount writes an access log when it is mounted with -o access_log=FILE."
    },
    mixinStandardHelpOptions = true)
final class ProfileCommand implements Callable<Integer> {
  private static final int LIVE_SECONDS = 2;
  private static final String INPUT = "-";

  @Parameters(
      index = "0",
      paramLabel = "FILE|-|DIR",
      description = "An access log, standard input, or any directory in a mount that writes one.")
  private String source;

  @Option(
      names = "--by",
      paramLabel = "op|uid|pid|inode",
      description = "What requests are told apart by. Default: op")
  private AccessProfile.By by = AccessProfile.By.OP;

  @Option(
      names = "--interval",
      paramLabel = "SECONDS",
      description = "A table for each interval. Default: one for a whole log; 2 s of a mount")
  private @Nullable Integer interval;

  @Option(
      names = "--count",
      paramLabel = "N",
      description = "Of a mount: end after so many tables. Default: at Ctrl-C; with --json 1")
  private @Nullable Integer count;

  @Option(names = "--top", paramLabel = "N", description = "Lines of a table. Default: 20")
  private int top = 20;

  @Option(names = "--json", description = "Print one JSON document.")
  private boolean json;

  /** Intervals, for JSON. */
  private final List<Map<String, Object>> intervals = new ArrayList<>();

  @Override
  public Integer call() throws IOException {
    if ((interval != null && interval < 1) || (count != null && count < 1) || top < 1) {
      throw new IllegalArgumentException("--interval, --count and --top must be at least 1");
    }
    if (source.equals(INPUT)) {
      whole(System.in);
    } else if (Files.isDirectory(Path.of(source))) {
      follow(MountHandle.containing(Path.of(source)));
    } else {
      try (InputStream file = Files.newInputStream(Path.of(source))) {
        whole(file);
      } catch (FileSystemException e) {
        throw new IOException("cannot read the access log " + source + ": " + e, e);
      }
    }
    if (json) {
      Json.print(Map.of("by", by.name().toLowerCase(Locale.ROOT), "intervals", intervals));
    }
    return 0;
  }

  private void whole(InputStream log) throws IOException {
    ProfileSeries series =
        new ProfileSeries(by, interval == null ? null : Duration.ofSeconds(interval));
    BufferedReader lines = new BufferedReader(new InputStreamReader(log, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      series.add(line).ifPresent(part -> show(part.begin(), part.profile()));
    }
    show(series.rest().begin(), series.rest().profile());
  }

  private void follow(MountHandle mount) throws IOException {
    Path log =
        mount
            .accessLog()
            .orElseThrow(
                () ->
                    new IOException(
                        "the mount at "
                            + mount.root()
                            + " writes no access log: mount it with -o access_log=FILE"));
    int seconds = interval == null ? LIVE_SECONDS : interval;
    int tables = count == null ? (json ? 1 : Integer.MAX_VALUE) : count;
    try (AccessLogTail tail = AccessLogTail.open(log)) {
      Interruptible.run(() -> follow(mount, tail, seconds, tables));
    } catch (FileSystemException e) {
      throw new IOException(
          "cannot read the access log " + log + " of " + mount.root() + ": " + e, e);
    }
  }

  private void follow(MountHandle mount, AccessLogTail tail, int seconds, int tables)
      throws IOException {
    long next = System.nanoTime();
    for (int table = 0; table < tables; table++) {
      Instant begin = Instant.now();
      next += TimeUnit.SECONDS.toNanos(seconds);
      Interruptible.pause(next);
      mount.requirePresent();
      AccessProfile profile = new AccessProfile(by);
      tail.read(profile::add);
      show(begin, profile);
    }
  }

  private void show(@Nullable Instant begin, AccessProfile profile) {
    List<AccessProfile.Line> lines = profile.lines(top);
    if (json) {
      Map<String, Object> shown = new LinkedHashMap<>();
      shown.put("begin", begin == null ? "" : begin.toString());
      shown.put("requests", profile.records());
      shown.put("malformed", profile.malformed());
      shown.put("lines", lines);
      intervals.add(shown);
      return;
    }
    TextTable table = new TextTable(by.name(), "COUNT", "AVG µs", "P99 µs", "TOTAL s", "SHARE %");
    for (AccessProfile.Line line : lines) {
      table.row(
          line.key(),
          Long.toString(line.count()),
          String.format(Locale.ROOT, "%.0f", line.averageMicros()),
          Long.toString(line.p99Micros()),
          String.format(Locale.ROOT, "%.3f", line.totalSeconds()),
          String.format(Locale.ROOT, "%.1f", line.sharePercent()));
    }
    System.out.printf(
        "%s%d requests%n%s%n", begin == null ? "" : begin + ": ", profile.records(), table);
    if (profile.malformed() > 0) {
      System.err.println(
          "curvefs: " + profile.malformed() + " lines are none of an access log and were left out");
    }
  }
}

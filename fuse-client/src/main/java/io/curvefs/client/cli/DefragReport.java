package io.curvefs.client.cli;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.client.defrag.FileEnd;
import io.curvefs.client.defrag.Totals;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a defragmentation has found and done. For one thread. */
final class DefragReport {
  /** Files that are named on standard error; JSON has more. */
  private static final int NAMED_MAX = 20;

  private static final int JSON_NAMES_MAX = 10_000;
  private static final double NANOS = 1e9;

  private final String fileSystem;
  private final Totals before;
  private final long began = System.nanoTime();
  private @Nullable Totals after;
  private long nanos;
  private long bytesCopied;
  private long moved;
  private long skipped;
  private long failed;
  private final Map<String, Long> reasons = new TreeMap<>();
  private final List<FileEnd> named = new ArrayList<>();

  DefragReport(String fileSystem, Totals before) {
    this.fileSystem = fileSystem;
    this.before = before;
  }

  Totals before() {
    return before;
  }

  void copied(long bytes) {
    bytesCopied += bytes;
  }

  void ended(FileEnd end) {
    switch (end.kind()) {
      case MOVED -> moved++;
      case SKIPPED -> {
        skipped++;
        reasons.merge(end.reason(), 1L, Long::sum);
      }
      case FAILED -> failed++;
    }
    if (end.kind() != FileEnd.Kind.MOVED && named.size() < JSON_NAMES_MAX) {
      named.add(end);
    }
  }

  void ended(Totals now) {
    after = now;
    nanos = System.nanoTime() - began;
  }

  /** For example {@code 3 of 12 fragmented files, 1.2 MiB of 4.0 MiB, 90 MiB/s, 3 s left}. */
  String progress() {
    return filesEnded()
        + " of "
        + before.fragmentedFiles()
        + " fragmented files, "
        + ByteSize.text((double) bytesCopied)
        + " of "
        + ByteSize.text((double) before.bytesToMove())
        + ", "
        + rate();
  }

  long bytesCopied() {
    return bytesCopied;
  }

  long filesEnded() {
    return moved + skipped + failed;
  }

  /** Rate, and the time that is left at this rate. */
  String rate() {
    double seconds = Math.max(1, System.nanoTime() - began) / NANOS;
    double rate = bytesCopied / seconds;
    long left = Math.max(0, before.bytesToMove() - bytesCopied);
    String more = failed == 0 ? "" : ", " + failed + " failed";
    return rate == 0
        ? "0 B/s" + more
        : "%s/s, %s left%s".formatted(ByteSize.text(rate), time((long) (left / rate)), more);
  }

  private static String time(long seconds) {
    return seconds < 60 ? seconds + " s" : "%d:%02d min".formatted(seconds / 60, seconds % 60);
  }

  /** For example {@code 12 files, 3 of them fragmented; 40 extents, 80.0 per GiB}. */
  static String text(Totals totals) {
    return "%d files, %d of them fragmented; %s in %d extents, %.1f per GiB; %s to be moved"
        .formatted(
            totals.files(),
            totals.fragmentedFiles(),
            ByteSize.text((double) totals.bytes()),
            totals.extents(),
            totals.extentsPerGib(),
            ByteSize.text((double) totals.bytesToMove()));
  }

  void print(boolean asJson) {
    if (asJson) {
      Json.print(json());
      return;
    }
    Totals now = after;
    if (now == null) {
      System.out.println(text(before));
      return;
    }
    System.out.printf(
        "moved %d files, skipped %d, failed %d; %s copied in %s%n",
        moved, skipped, failed, ByteSize.text((double) bytesCopied), time((long) (nanos / NANOS)));
    reasons.forEach((reason, files) -> System.out.printf("skipped %d: %s%n", files, reason));
    System.out.println("before: " + text(before));
    System.out.println("after:  " + text(now));
    named.stream()
        .limit(NAMED_MAX)
        .forEach(
            end ->
                System.err.println(
                    (end.kind() == FileEnd.Kind.FAILED ? "failed: " : "skipped: ")
                        + end.path()
                        + ": "
                        + end.reason()));
    if (skipped + failed > NAMED_MAX) {
      System.err.println(
          "... and " + (skipped + failed - NAMED_MAX) + " more: --json names up to 10,000");
    }
  }

  private Map<String, Object> json() {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("file_system", fileSystem);
    values.put("before", json(before));
    Totals now = after;
    if (now != null) {
      values.put("after", json(now));
      values.put("files_moved", moved);
      values.put("files_skipped", skipped);
      values.put("files_failed", failed);
      values.put("bytes_copied", bytesCopied);
      values.put("seconds", nanos / NANOS);
      values.put("skipped_for", reasons);
      values.put("skipped", names(FileEnd.Kind.SKIPPED));
      values.put("failed", names(FileEnd.Kind.FAILED));
    }
    return values;
  }

  private static Map<String, Object> json(Totals totals) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("files", totals.files());
    values.put("fragmented_files", totals.fragmentedFiles());
    values.put("extents", totals.extents());
    values.put("bytes", totals.bytes());
    values.put("extents_per_gib", totals.extentsPerGib());
    values.put("bytes_to_move", totals.bytesToMove());
    return values;
  }

  private List<Map<String, String>> names(FileEnd.Kind kind) {
    return named.stream()
        .filter(end -> end.kind() == kind)
        .map(end -> Map.of("path", end.path(), "reason", end.reason()))
        .toList();
  }

  int exit() {
    return failed == 0 ? 0 : 1;
  }
}

package io.curvefs.client.trial;

import java.util.LinkedHashMap;
import java.util.Map;

/** What was found, for people and for scripts. */
public final class TrialReport {
  private final TrialOptions options;
  private final Findings findings;
  private final TruncateTrial.Result truncate;
  private final double seconds;

  TrialReport(
      TrialOptions options, Findings findings, TruncateTrial.Result truncate, double seconds) {
    this.options = options;
    this.findings = findings;
    this.truncate = truncate;
    this.seconds = seconds;
  }

  /** Blocks were lost or given twice, or bytes were wrong. */
  public boolean anythingWrong() {
    return findings.anythingWrong();
  }

  /** For JSON; its keys stay what they are. docs/metrics.md explains them. */
  public Map<String, Object> values() {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("leaked_blocks", findings.leakedBlocks.get());
    values.put("double_allocated_blocks", findings.doubleBlocks.get());
    values.put("wrong_bytes", findings.wrongBytes.get());
    values.put("kills", findings.kills());
    values.put("metaserver_kills", findings.serverKills.get());
    values.put("client_kills", findings.clientKills.get());
    values.put("fault_point_kills", findings.deathsAt().values().stream().mapToLong(n -> n).sum());
    values.put("fault_points", findings.deathsAt());
    values.put("checks", findings.checks.get());
    values.put("unsound_checks", findings.unsoundChecks.get());
    values.put("fill_rounds", findings.fillRounds.get());
    values.put("free_blocks_when_full", findings.freeBlocksWhenFull.get());
    values.put("deleted_bytes", findings.filesBytesFreed.get());
    values.put("backing_bytes_freed", findings.backingBytesFreed.get());
    values.put("changes", findings.changes.get());
    values.put("punches", findings.punches.get());
    values.put("failed_calls", findings.failedCalls.get());
    values.put("files_verified", findings.verified.get());
    values.put("defrags", findings.defrags.get());
    values.put("defrag_kills", findings.defragKills.get());
    values.put("defragmented_files", findings.filesMoved.get());
    values.put("sparse_gib", options.sparseGib());
    values.put("truncate_seconds", truncate.seconds());
    values.put("truncate_call_seconds", truncate.callSeconds());
    values.put("truncate_entries", truncate.entries());
    values.put("truncate_blocks", truncate.blocks());
    values.put("quarantine_seconds", Installation.QUARANTINE_SECONDS);
    values.put("volume_bytes", (long) options.volumeMib() << 20);
    values.put("seconds", seconds);
    values.put("seed", options.seed());
    return values;
  }

  /** For people. */
  public String text() {
    StringBuilder text = new StringBuilder();
    values().forEach((key, value) -> text.append("%-26s %s%n".formatted(key, value)));
    return text.append(anythingWrong() ? "WRONG: see above\n" : "nothing is wrong\n").toString();
  }
}

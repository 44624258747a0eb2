package io.curvefs.client.trial;

import io.curvefs.client.bench.Cleanup;
import io.curvefs.client.bench.Crew;
import io.curvefs.client.bench.Workplace;
import io.curvefs.client.quickstart.Home;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The trial: fills, changes under kills, and a long truncate, on two mounts. Whatever happens, and
 * at Ctrl-C too, nothing that it started or made remains, unless its files are to be kept. For one
 * use.
 */
public final class VolumeTrial implements AutoCloseable {
  private final TrialOptions options;
  private final long began = System.nanoTime();
  private final Cleanup open;
  private final Installation installation;
  private final Findings findings;
  private final Crew crew;

  /**
   * @param log is told of each step
   * @throws IOException when the directory cannot be used; nothing remains then
   */
  public VolumeTrial(TrialOptions options, Home home, Consumer<String> log) throws IOException {
    this.options = options;
    this.findings =
        new Findings(step -> log.accept("[%4.0f s] ".formatted(secondsSinceBegin()) + step));
    Installation started = new Installation(options, home);
    open = new Cleanup(log);
    installation = open.add(started);
    crew = open.add(new Crew());
  }

  /** Tries everything, once. */
  public TrialReport run() throws IOException {
    findings.say("starting three metaservers and two mounts");
    installation.start();
    List<TrialMount> mounts = List.of(installation.mount("1"), installation.mount("2"));
    Checks checks = new Checks(installation, findings);
    Killer killer = new Killer(installation, mounts, checks, findings, new Random(options.seed()));
    // A few for each fill, most for the changes.
    int inFills = Math.min(options.kills() / 2, 2 * options.fillRounds());

    findings.say("filling the volume, " + inFills + " kills meanwhile");
    new FillTrial(options, installation, mounts, checks, findings, crew).run(killer, inFills);
    findings.say("changing files at random, " + (options.kills() - inFills) + " kills meanwhile");
    new ChangeTrial(options, installation, mounts, findings, crew)
        .run(killer, options.kills() - inFills);
    checks.sum(mounts.get(0), "after the changes");
    checks.fsck("after the changes");
    findings.say("truncating a long file");
    TruncateTrial.Result truncate =
        new TruncateTrial(options, installation, mounts.get(0), checks, findings).run();
    empty(mounts.get(0).root());
    checks.sum(mounts.get(0), "at the end");
    checks.fsck("at the end");
    return new TrialReport(options, findings, truncate, secondsSinceBegin());
  }

  private static void empty(Path root) throws IOException {
    try (Stream<Path> entries = Files.list(root)) {
      for (Path entry : entries.toList()) {
        Workplace.remove(entry);
      }
    }
  }

  private double secondsSinceBegin() {
    return (System.nanoTime() - began) / 1e9;
  }

  /** Ends and removes everything. May be repeated. */
  @Override
  public void close() throws IOException {
    open.close();
  }
}

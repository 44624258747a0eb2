package io.curvefs.client.trial;

import io.curvefs.client.bench.Crew;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Random changes through all mounts at once, while files are defragmented and servers and mounts
 * die.
 */
final class ChangeTrial {
  private static final int THREADS_PER_MOUNT = 2;
  private static final int KILL_EVERY_MILLIS_MIN = 500;

  /** What a kill, the new process and the check of the space take, roughly. */
  private static final int KILL_MILLIS = 6_000;

  private final TrialOptions options;
  private final Installation installation;
  private final List<TrialMount> mounts;
  private final Findings findings;
  private final Crew crew;

  ChangeTrial(
      TrialOptions options,
      Installation installation,
      List<TrialMount> mounts,
      Findings findings,
      Crew crew) {
    this.options = options;
    this.installation = installation;
    this.mounts = mounts;
    this.findings = findings;
    this.crew = crew;
  }

  void run(Killer killer, int kills) throws IOException {
    AtomicBoolean stop = new AtomicBoolean();
    List<Changer> changers = new ArrayList<>();
    for (int i = 0; i < mounts.size() * THREADS_PER_MOUNT; i++) {
      changers.add(
          new Changer(
              "own-" + i, List.of(mounts.get(i % mounts.size())), findings, new Random(seed(i))));
    }
    // Of those files that both mounts change in turn there is one writer.
    changers.add(new Changer("shared", mounts, findings, new Random(seed(changers.size()))));
    for (Changer changer : changers) {
      changer.begin();
    }
    long end = System.nanoTime() + options.seconds() * 1_000_000_000L;
    int every =
        Math.max(
            KILL_EVERY_MILLIS_MIN,
            kills == 0 ? 0 : (int) (options.seconds() * 1_000L / kills) - KILL_MILLIS);
    Defragger defragger =
        new Defragger(installation, findings, new Random(seed(changers.size() + 1)));
    crew.run(
        changers.size() + 2,
        member -> {
          if (member == changers.size() + 1) {
            while (!stop.get()) {
              defragger.run();
            }
          } else if (member == changers.size()) {
            try {
              killer.run(kills, every);
              while (System.nanoTime() - end < 0) {
                Thread.sleep(Math.max(1, Math.min(1_000, (end - System.nanoTime()) / 1_000_000)));
              }
            } finally {
              stop.set(true);
            }
          } else {
            while (!stop.get()) {
              changers.get(member).change();
            }
          }
        });
    for (Changer changer : changers) {
      changer.end();
    }
  }

  private long seed(int changer) {
    return options.seed() * 1_000 + changer;
  }
}

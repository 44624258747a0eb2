package io.curvefs.client.trial;

import io.curvefs.client.quickstart.Children;
import java.io.IOException;
import java.util.List;
import java.util.Random;

/** Kills servers and mounts, brings them back, and looks at the space after each. One thread. */
final class Killer {
  private static final int PERCENT_SERVERS = 40;
  private static final int DOWN_MILLIS_MAX = 2_000;

  private final Installation installation;
  private final List<TrialMount> mounts;
  private final Checks checks;
  private final Findings findings;
  private final Random random;

  Killer(
      Installation installation,
      List<TrialMount> mounts,
      Checks checks,
      Findings findings,
      Random random) {
    this.installation = installation;
    this.mounts = mounts;
    this.checks = checks;
    this.findings = findings;
    this.random = random;
  }

  /**
   * Kills so often.
   *
   * @param every milliseconds between kills, roughly
   */
  void run(int count, int every) throws IOException {
    for (int i = 0; i < count; i++) {
      Children.pause(every / 2 + random.nextInt(every));
      kill();
    }
  }

  private void kill() throws IOException {
    String what;
    if (random.nextInt(100) < PERCENT_SERVERS) {
      int server = leader();
      what = "metaserver " + server;
      installation.killServer(server);
      Children.pause(random.nextInt(DOWN_MILLIS_MAX));
      installation.startServer(server);
      findings.serverKills.incrementAndGet();
    } else {
      TrialMount mount = mounts.get(random.nextInt(mounts.size()));
      what = mount.root().getFileName().toString();
      mount.kill();
      findings.clientKills.incrementAndGet();
    }
    checks.fsck("after kill " + findings.kills() + ", of " + what);
  }

  /** One that leads a data group. */
  private int leader() throws IOException {
    int first = random.nextInt(Installation.SERVERS);
    for (int i = 0; i < Installation.SERVERS; i++) {
      int server = (first + i) % Installation.SERVERS + 1;
      if (installation.groupsLed(server) > 0) {
        return server;
      }
    }
    return first + 1;
  }
}

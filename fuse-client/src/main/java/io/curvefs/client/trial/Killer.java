package io.curvefs.client.trial;

import io.curvefs.client.quickstart.Children;
import io.curvefs.fault.FaultPoint;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Kills servers and mounts, at random moments or at a point of the code that each is told when it
 * begins; brings them back, and looks at the space after each death. One thread.
 */
final class Killer {
  private static final int PERCENT_SERVERS = 55;

  /** Of the new lives: with a death wish. */
  private static final int PERCENT_WISHES = 70;

  /** A point is passed for that time, at most. */
  private static final int COUNT_MAX = 8;

  private static final int DOWN_MILLIS_MAX = 2_000;
  private static final long POLL_MILLIS = 50;

  private final Installation installation;
  private final List<TrialMount> mounts;
  private final Checks checks;
  private final Findings findings;
  private final Random random;

  /** Those that will die of themselves; no more than there are kills left. */
  private final Map<Mortal, DeathWish> doomed = new LinkedHashMap<>();

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
   * Kills so often. Nobody is left that will die of itself.
   *
   * @param every milliseconds between kills, at most and roughly
   */
  void run(int count, int every) throws IOException {
    for (int left = count; left > 0; left--) {
      bury(next(every / 2 + random.nextInt(every), left), left - 1);
    }
  }

  /** The first that dies of itself within this time, or whoever is chosen then. */
  private Mortal next(int millis, int left) throws IOException {
    long until = System.nanoTime() + millis * 1_000_000L;
    do {
      for (Mortal one : doomed.keySet()) {
        if (!one.isAlive()) {
          return one;
        }
      }
      Children.pause(POLL_MILLIS);
    } while (System.nanoTime() - until < 0);
    if (left <= doomed.size()) {
      return doomed.keySet().iterator().next();
    }
    return random.nextInt(100) < PERCENT_SERVERS
        ? leader()
        : mounts.get(random.nextInt(mounts.size()));
  }

  private void bury(Mortal one, int left) throws IOException {
    DeathWish wish = doomed.remove(one);
    boolean itself = wish != null && !one.isAlive();
    one.die();
    if (one.role() == FaultPoint.Role.METASERVER) {
      Children.pause(random.nextInt(DOWN_MILLIS_MAX));
    }
    DeathWish next = left > doomed.size() ? wish(one) : null;
    if (one.live(next) && next != null) {
      doomed.put(one, next);
    }
    findings.died(one.role(), itself && wish != null ? wish.point() : null);
    checks.fsck(
        "after kill "
            + findings.kills()
            + ", of "
            + one.name()
            + (itself && wish != null ? " at " + wish.point() + ", time " + wish.count() : ""));
  }

  /** Two servers that die at once would leave no majority. */
  private @Nullable DeathWish wish(Mortal one) {
    boolean possible =
        one.role() == FaultPoint.Role.CLIENT
            || doomed.keySet().stream().allMatch(other -> other.role() != one.role());
    if (!possible || random.nextInt(100) >= PERCENT_WISHES) {
      return null;
    }
    List<FaultPoint> points =
        Arrays.stream(FaultPoint.values()).filter(point -> point.role() == one.role()).toList();
    return new DeathWish(
        points.get(random.nextInt(points.size())),
        1 + random.nextInt(1 + random.nextInt(COUNT_MAX)));
  }

  /** One that leads a data group. */
  private Mortal leader() throws IOException {
    int first = random.nextInt(Installation.SERVERS);
    for (int i = 0; i < Installation.SERVERS; i++) {
      int server = (first + i) % Installation.SERVERS + 1;
      if (installation.groupsLed(server) > 0) {
        return new TrialServer(installation, server);
      }
    }
    return new TrialServer(installation, first + 1);
  }
}

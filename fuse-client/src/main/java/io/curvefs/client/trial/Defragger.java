package io.curvefs.client.trial;

import io.curvefs.client.quickstart.Children;
import io.curvefs.fault.FaultPoint;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Defragments beside everything else; now and then it dies of itself. One thread. */
final class Defragger {
  private static final int PAUSE_MILLIS = 500;
  private static final int PERCENT_WISHES = 40;

  /** A point is passed for that time, at most. */
  private static final int COUNT_MAX = 6;

  private static final List<FaultPoint> POINTS =
      List.of(
          FaultPoint.BLOCKS_RESERVED,
          FaultPoint.BLOCKS_WRITTEN,
          FaultPoint.DEVICES_FLUSHED,
          FaultPoint.BLOCKS_COMMITTED);

  private final Installation installation;
  private final Findings findings;
  private final Random random;

  Defragger(Installation installation, Findings findings, Random random) {
    this.installation = installation;
    this.findings = findings;
    this.random = random;
  }

  /** One run. That metaservers are gone meanwhile is no finding. */
  void run() throws IOException {
    Children.Ended ended = installation.defrag(wish());
    findings.defrags.incrementAndGet();
    if (ended.status() == FaultPoint.EXIT_STATUS) {
      findings.defragKills.incrementAndGet();
    } else if (!ended.text().isBlank()) {
      JsonNode report = JsonMapper.shared().readTree(ended.text());
      findings.filesMoved.addAndGet(report.at("/files_moved").asLong());
    }
    Children.pause(PAUSE_MILLIS);
  }

  private @Nullable DeathWish wish() {
    return random.nextInt(100) < PERCENT_WISHES
        ? new DeathWish(POINTS.get(random.nextInt(POINTS.size())), 1 + random.nextInt(COUNT_MAX))
        : null;
  }
}

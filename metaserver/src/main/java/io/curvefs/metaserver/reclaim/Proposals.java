package io.curvefs.metaserver.reclaim;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.Outcome;
import io.curvefs.time.WallClock;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Proposes entries of background work and waits for them. */
final class Proposals {
  private static final int SECONDS_MAX = 30;

  private Proposals() {}

  static Outcome propose(DataGroup group, Leadership leadership, LogEntry.Builder entry)
      throws RefusedException {
    try {
      return group
          .propose(leadership, entry.setTime(WallClock.SYSTEM.now()).build())
          .get(SECONDS_MAX, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new RefusedException(
          Refusal.BUSY, "group " + group.id() + " did not take the entry: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException(Refusal.BUSY, "the metaserver is stopping");
    }
  }
}

package io.curvefs.client.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.error.RefusedException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Blocks of one raft group that were reserved and are not going to be committed. A write of them
 * may still be under way, so they rest before they are given back. Thread-safe.
 */
final class AbandonedBlocks {
  private final VolumeMeta meta;
  private final int group;
  private final LongSupplier nanoTime;

  @GuardedBy("this")
  private final List<Resting> resting = new ArrayList<>();

  private record Resting(SpacePool.Taken taken, long until) {}

  AbandonedBlocks(VolumeMeta meta, int group, LongSupplier nanoTime) {
    this.meta = meta;
    this.group = group;
    this.nanoTime = nanoTime;
  }

  synchronized void add(SpacePool.Taken taken, Duration rest) {
    resting.add(new Resting(taken, nanoTime.getAsLong() + rest.toNanos()));
  }

  /** Gives back to the metaserver what has rested long enough. */
  void giveBackRested() {
    List<SpacePool.Taken> due = new ArrayList<>();
    synchronized (this) {
      long now = nanoTime.getAsLong();
      resting.removeIf(one -> now - one.until > 0 && due.add(one.taken));
    }
    for (SpacePool.Taken taken : due) {
      if (meta.isCurrent(taken.session())) {
        try {
          meta.giveBack(group, taken.session(), taken.ranges());
        } catch (RefusedException e) {
          // They come free with the session.
        }
      }
    }
  }
}

package io.curvefs.client.volume;

import io.curvefs.client.content.ContentListener;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.time.WallClock;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;

/**
 * What all open files of a mount share.
 *
 * @param pools the reserved blocks that a file's come from
 * @param background runs what nobody waits for
 * @param transfers run operations on devices side by side; wait for nothing else
 * @param nanoTime the monotonic clock
 */
record VolumeStore(
    VolumeMeta meta,
    VolumeDevices devices,
    Pools pools,
    Freshness freshness,
    WriteBuffer buffer,
    ContentListener listener,
    WallClock clock,
    Executor background,
    Executor transfers,
    ReadAhead readAhead,
    LongSupplier nanoTime) {
  /** Finds the reserved blocks that a file's come from. */
  @FunctionalInterface
  interface Pools {
    SpacePool of(InodeId inode) throws RefusedException;
  }
}

package io.curvefs.client.volume;

import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.pace.Bandwidth;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Moves blocks of closed files to where they lie in fewer pieces. What all files share; one file at
 * a time.
 */
public final class Mover implements AutoCloseable {
  private static final int TRANSFER_THREADS = 4;

  final VolumeMeta meta;
  final VolumeDevices devices;
  final Freshness freshness;
  final Bandwidth bandwidth;
  final LongSupplier nanoTime;
  final ExecutorService transfers =
      Executors.newFixedThreadPool(
          TRANSFER_THREADS, new DefaultThreadFactory("volume-transfer", true));
  private final Map<Integer, AbandonedBlocks> abandoned = new ConcurrentHashMap<>();

  Mover(
      VolumeMeta meta,
      VolumeDevices devices,
      Freshness freshness,
      Bandwidth bandwidth,
      LongSupplier nanoTime) {
    this.meta = meta;
    this.devices = devices;
    this.freshness = freshness;
    this.bandwidth = bandwidth;
    this.nanoTime = nanoTime;
  }

  /**
   * Opens the volumes.
   *
   * @param bandwidth of what is moved
   * @throws IOException when one cannot be used: it is named, with the remedy
   */
  public static Mover open(
      NamespaceClient namespace, VolumeOpener volumes, List<Integer> numbers, Bandwidth bandwidth)
      throws IOException {
    Freshness freshness =
        new Freshness(
            Duration.ofSeconds(
                namespace.meta().fileSystem().getVolumeStorage().getQuarantineSeconds()),
            System::nanoTime);
    Mover mover =
        new Mover(
            new RemoteVolumeMeta(namespace),
            new VolumeDevices(
                number -> volumes.open(number, freshness.transferMax()), new VolumeMeters()),
            freshness,
            bandwidth,
            System::nanoTime);
    boolean opened = false;
    try {
      for (int number : numbers) {
        mover.devices.opened(number);
      }
      opened = true;
      return mover;
    } finally {
      if (!opened) {
        mover.close();
      }
    }
  }

  public FileMover file(InodeId inode) {
    return new FileMover(this, inode);
  }

  /** What was reserved is not going to be committed; a write of it may still be under way. */
  void abandon(InodeId inode, VolumeMeta.Granted granted) throws RefusedException {
    abandoned
        .computeIfAbsent(meta.groupOf(inode), group -> new AbandonedBlocks(meta, group, nanoTime))
        .add(
            new SpacePool.Taken(granted.session(), granted.ranges()),
            freshness.transferMax().multipliedBy(2));
  }

  void giveBackRested() {
    abandoned.values().forEach(AbandonedBlocks::giveBackRested);
  }

  /** What was abandoned lately comes back with the session's end. */
  @Override
  public void close() {
    transfers.shutdown();
    try {
      transfers.awaitTermination(freshness.transferMax().toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    devices.close();
  }
}

package io.curvefs.client.volume;

import io.curvefs.client.content.ContentListener;
import io.curvefs.client.content.Contents;
import io.curvefs.client.content.FileContent;
import io.curvefs.client.content.OpenContents;
import io.curvefs.client.content.StagedUsage;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.siblings.SiblingReadAhead;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.time.WallClock;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The data path of a mount whose files lie on volumes. Thread-safe. */
public final class VolumeContents implements Contents {
  private static final Logger log = LoggerFactory.getLogger(VolumeContents.class);

  /** A file that stays open gets its bytes committed after so long, so that others see it grow. */
  private static final Duration COMMIT_AGE = Duration.ofSeconds(5);

  private static final int BACKGROUND_THREADS = 4;
  private static final int TRANSFER_THREADS = 8;

  /** What was read ahead and nobody came for goes after so long. */
  private static final Duration READ_AHEAD_KEPT = Duration.ofSeconds(10);

  /** Freed blocks rest, then mounts may discard them; each step waits for the one before. */
  private static final Duration REST_MARGIN = Duration.ofSeconds(30);

  private final VolumeMeta meta;
  private final VolumeStore store;
  private final VolumeDevices devices;
  private final Duration quarantine;
  private final Duration restMax;
  private final ExecutorService background;
  private final ExecutorService transfers;
  private final ReadAhead readAhead;
  private final ScheduledExecutorService timer;

  /** Of its own: a discard may take long. */
  private final ScheduledExecutorService discards;

  private final Discarder discarder;
  private final SiblingReadAhead siblings;
  private final Map<PoolKey, SpacePool> pools = new ConcurrentHashMap<>();

  private record PoolKey(int group, String poolSet) {}

  private final OpenContents<VolumeFile> files =
      new OpenContents<>(this::file, VolumeFile::close, file -> false);

  /**
   * @param volumes opens the file system's volumes when they are first needed
   */
  public VolumeContents(
      NamespaceClient namespace,
      VolumeOpener volumes,
      WriteBuffer buffer,
      WallClock clock,
      ContentListener listener,
      VolumeMeters meters) {
    this.background =
        Executors.newFixedThreadPool(
            BACKGROUND_THREADS, new DefaultThreadFactory("volume-write", true));
    this.transfers =
        Executors.newFixedThreadPool(
            TRANSFER_THREADS, new DefaultThreadFactory("volume-transfer", true));
    this.readAhead = new ReadAhead(buffer.pool(), transfers, System::nanoTime);
    this.timer =
        Executors.newSingleThreadScheduledExecutor(new DefaultThreadFactory("volume-timer", true));
    this.discards =
        Executors.newSingleThreadScheduledExecutor(
            new DefaultThreadFactory("volume-discard", true));
    this.quarantine =
        Duration.ofSeconds(namespace.meta().fileSystem().getVolumeStorage().getQuarantineSeconds());
    this.restMax = quarantine.multipliedBy(2).plus(REST_MARGIN);
    Freshness freshness = new Freshness(quarantine, System::nanoTime);
    this.meta = new RemoteVolumeMeta(namespace);
    this.devices =
        new VolumeDevices(number -> volumes.open(number, freshness.transferMax()), meters);
    this.store =
        new VolumeStore(
            meta,
            devices,
            this::pool,
            freshness,
            buffer,
            listener,
            clock,
            background,
            transfers,
            readAhead,
            System::nanoTime);
    this.siblings = new SiblingReadAhead(namespace, file -> {});
    timer.scheduleWithFixedDelay(this::tidy, 1, 1, TimeUnit.SECONDS);
    this.discarder = new Discarder(meta, devices, freshness, System::nanoTime);
    discards.scheduleWithFixedDelay(this::discard, 1, 1, TimeUnit.SECONDS);
  }

  /**
   * Opens volumes now rather than when they are first needed.
   *
   * @throws IOException when one cannot be used: it is named, with the remedy
   */
  public void openAll(List<Integer> numbers) throws IOException {
    for (int number : numbers) {
      devices.opened(number);
    }
  }

  /** Where blocks are is asked for again. */
  public void forgetCached() {
    files.all().forEach(VolumeFile::changed);
  }

  /** Blocks that this mount has reserved and not used. */
  public long blocksReserved() {
    return pools.values().stream().mapToLong(SpacePool::blocks).sum();
  }

  private SpacePool pool(InodeId inode) throws RefusedException {
    return pools.computeIfAbsent(
        new PoolKey(meta.groupOf(inode), meta.poolSetOf(inode)),
        k -> new SpacePool(meta, k.group, k.poolSet, restMax, background, System::nanoTime));
  }

  private VolumeFile file(InodeId inode) {
    return new VolumeFile(store, inode);
  }

  @Override
  public FileContent open(InodeId inode) {
    return files.open(inode);
  }

  @Override
  public @Nullable FileContent find(InodeId inode) {
    return files.find(inode);
  }

  @Override
  public void close(FileContent file) {
    files.close(file);
  }

  @Override
  public SiblingReadAhead siblings() {
    return siblings;
  }

  private void tidy() {
    try {
      files.all().forEach(file -> file.flushOlderThan(COMMIT_AGE));
      readAhead.dropUnusedFor(READ_AHEAD_KEPT.toNanos());
      pools
          .values()
          .forEach(
              pool -> {
                pool.giveBackAbandoned();
                pool.giveBackSpare(false);
              });
    } catch (RuntimeException e) {
      log.error("tidying volumes failed", e);
    }
  }

  private void discard() {
    try {
      discarder.round();
    } catch (RuntimeException e) {
      log.error("discarding freed blocks failed", e);
    }
  }

  @Override
  public List<String> flushAll() {
    return files.flushAll();
  }

  @Override
  public Optional<StagedUsage> staged() {
    return Optional.empty();
  }

  @Override
  public boolean awaitUploaded(Duration bound) {
    return true;
  }

  /** Those under way end within their bound; none is left that uses a page. */
  private void endTransfers() {
    transfers.shutdown();
    try {
      if (!transfers.awaitTermination(quarantine.toMillis(), TimeUnit.MILLISECONDS)) {
        log.warn("transfers with volumes do not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Gives reserved blocks back, so that nobody has to wait for the session's end. */
  @Override
  public void close() {
    siblings.close();
    timer.shutdownNow();
    discards.shutdownNow();
    background.shutdownNow();
    endTransfers();
    readAhead.close();
    pools.values().forEach(pool -> pool.giveBackSpare(true));
    devices.close();
  }
}

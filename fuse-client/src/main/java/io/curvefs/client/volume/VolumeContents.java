package io.curvefs.client.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.client.content.ContentListener;
import io.curvefs.client.content.Contents;
import io.curvefs.client.content.FileContent;
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
import java.util.ArrayList;
import java.util.HashMap;
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

  @GuardedBy("this")
  private final Map<InodeId, Held> files = new HashMap<>();

  private static final class Held {
    final VolumeFile file;
    int openers;

    Held(VolumeFile file) {
      this.file = file;
    }
  }

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
    files().forEach(VolumeFile::changed);
  }

  /** Blocks that this mount has reserved and not used. */
  public long blocksReserved() {
    return pools.values().stream().mapToLong(SpacePool::blocks).sum();
  }

  private SpacePool pool(InodeId inode) {
    PoolKey key;
    try {
      key = new PoolKey(meta.groupOf(inode), meta.poolSetOf(inode));
    } catch (RefusedException e) {
      throw new IllegalStateException("inode " + inode + " is open and not known", e);
    }
    return pools.computeIfAbsent(
        key, k -> new SpacePool(meta, k.group, k.poolSet, restMax, background, System::nanoTime));
  }

  @Override
  public synchronized FileContent open(InodeId inode) {
    Held held = files.computeIfAbsent(inode, i -> new Held(new VolumeFile(store, i)));
    held.openers++;
    return held.file;
  }

  @Override
  public synchronized @Nullable FileContent find(InodeId inode) {
    Held held = files.get(inode);
    return held == null ? null : held.file;
  }

  @Override
  public void close(FileContent file) {
    VolumeFile last = null;
    synchronized (this) {
      Held held = files.get(file.inode());
      if (held == null || held.file != file || held.openers == 0) {
        throw new IllegalStateException("inode " + file.inode().value() + " is not open");
      }
      held.openers--;
      if (held.openers == 0) {
        files.remove(file.inode());
        last = held.file;
      }
    }
    if (last != null) {
      last.close();
    }
  }

  @Override
  public SiblingReadAhead siblings() {
    return siblings;
  }

  private synchronized List<VolumeFile> files() {
    List<VolumeFile> all = new ArrayList<>(files.size());
    files.values().forEach(held -> all.add(held.file));
    return all;
  }

  private void tidy() {
    try {
      files().forEach(file -> file.flushOlderThan(COMMIT_AGE));
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
    List<String> failed = new ArrayList<>();
    for (VolumeFile file : files()) {
      try {
        file.flush();
      } catch (IOException e) {
        log.error("lost at the end: {}", e.getMessage());
        failed.add(String.valueOf(e.getMessage()));
      }
    }
    return failed;
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

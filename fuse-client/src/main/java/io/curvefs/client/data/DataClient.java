package io.curvefs.client.data;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.BlockCache;
import io.curvefs.cache.BlockSource;
import io.curvefs.client.content.ContentListener;
import io.curvefs.client.content.Contents;
import io.curvefs.client.content.FileContent;
import io.curvefs.client.content.StagedUsage;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.siblings.SiblingReadAhead;
import io.curvefs.client.staging.Journal;
import io.curvefs.client.staging.StagedBlock;
import io.curvefs.id.InodeId;
import io.curvefs.objectstore.ObjectKeys;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.proto.FileChunks;
import io.curvefs.proto.IndexedChunk;
import io.curvefs.slice.Layout;
import io.curvefs.time.WallClock;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The data path of a mount. Thread-safe. */
public final class DataClient implements Contents {
  private static final Logger log = LoggerFactory.getLogger(DataClient.class);

  /** A file that stays open gets its bytes committed after so long, so that others see it grow. */
  private static final Duration COMMIT_AGE = Duration.ofSeconds(5);

  private static final int BACKGROUND_THREADS = 4;

  private final FileStore store;
  private final ContentListener listener;
  private final ExecutorService background;
  private final ScheduledExecutorService timer;
  private final @Nullable StagedUploads staging;
  private final SiblingReadAhead siblings;

  @GuardedBy("this")
  private final Map<InodeId, Held> files = new HashMap<>();

  /** A file that is open, or has bytes that are not committed. */
  private static final class Held {
    final FileData data;
    int openers;

    Held(FileData data) {
      this.data = data;
    }
  }

  /**
   * Where written bytes are safe before they are in the object store.
   *
   * @param journal stays the caller's
   * @param deadline age of what waits there from which on writers are held up
   */
  public record Staging(Journal journal, Duration deadline) {}

  /**
   * @param objects and {@code cache} stay the caller's
   * @param stage null: written bytes are safe in the object store alone
   */
  public DataClient(
      NamespaceClient namespace,
      ObjectStore objects,
      BlockCache cache,
      WriteBuffer buffer,
      WallClock clock,
      ContentListener listener,
      @Nullable Staging stage) {
    this.listener = listener;
    this.background =
        Executors.newFixedThreadPool(
            BACKGROUND_THREADS, new DefaultThreadFactory("data-commit", true));
    this.timer =
        Executors.newSingleThreadScheduledExecutor(new DefaultThreadFactory("data-timer", true));
    String uuid = namespace.meta().fileSystem().getUuid();
    this.staging =
        stage == null
            ? null
            : new StagedUploads(
                stage.journal(),
                objects,
                buffer.pool(),
                id -> ObjectKeys.block(uuid, id.slice(), id.index(), id.length()),
                clock,
                stage.deadline(),
                timer,
                background,
                this::drained);
    this.store =
        new FileStore(
            namespace,
            objects,
            cache,
            buffer,
            new SliceIds(namespace.meta()),
            uuid,
            clock,
            background,
            staging);
    this.siblings = new SiblingReadAhead(namespace, this::fetchAhead);
    if (stage != null) {
      recover(stage.journal());
    }
    timer.scheduleWithFixedDelay(this::flushOld, 1, 1, TimeUnit.SECONDS);
  }

  /** Blocks as the object store has them, or the journal before it. */
  public static BlockSource source(
      ObjectStore objects, String fileSystemUuid, @Nullable Journal journal) {
    BlockSource fromObjects = source(objects, fileSystemUuid);
    return journal == null
        ? fromObjects
        : (id, offset, length, into) -> {
          if (!journal.read(id, offset, length, into)) {
            fromObjects.load(id, offset, length, into);
          }
        };
  }

  private static BlockSource source(ObjectStore objects, String fileSystemUuid) {
    return (id, offset, length, into) -> {
      objects.get(
          ObjectKeys.block(fileSystemUuid, id.slice(), id.index(), id.length()),
          id.length(),
          offset,
          length,
          into);
      for (ByteBuffer filled : into) {
        filled.position(filled.limit());
      }
    };
  }

  private void recover(Journal journal) {
    Map<InodeId, List<StagedBlock>> byInode = new LinkedHashMap<>();
    for (StagedBlock block : journal.recovered()) {
      byInode.computeIfAbsent(block.inode(), inode -> new ArrayList<>()).add(block);
    }
    byInode.forEach(
        (inode, blocks) -> {
          FileData file = hold(inode).data;
          file.recover(blocks);
          background.execute(file::settle);
        });
    if (!byInode.isEmpty()) {
      log.info(
          "{} files have bytes in {} that an earlier mount has left; they are uploaded now",
          byInode.size(),
          journal.name());
    }
  }

  private synchronized Held hold(InodeId inode) {
    return files.computeIfAbsent(inode, i -> new Held(new FileData(store, i, listener)));
  }

  @Override
  public synchronized FileData open(InodeId inode) {
    Held held = hold(inode);
    held.openers++;
    return held.data;
  }

  @Override
  public synchronized @Nullable FileData find(InodeId inode) {
    Held held = files.get(inode);
    return held == null ? null : held.data;
  }

  @Override
  public synchronized void close(FileContent file) {
    Held held = files.get(file.inode());
    if (held == null || held.data != file || held.openers == 0) {
      throw new IllegalStateException("inode " + file.inode().value() + " is not open");
    }
    held.openers--;
    if (held.openers == 0) {
      held.data.abandon();
      forgetFinished(file.inode(), held);
    }
  }

  /** The file has nothing left to commit. */
  private synchronized void drained(InodeId inode) {
    Held held = files.get(inode);
    if (held != null) {
      forgetFinished(inode, held);
    }
  }

  @GuardedBy("this")
  private void forgetFinished(InodeId inode, Held held) {
    if (held.openers == 0 && !held.data.hasPending()) {
      files.remove(inode);
    }
  }

  private synchronized List<FileData> files() {
    List<FileData> all = new ArrayList<>(files.size());
    files.values().forEach(held -> all.add(held.data));
    return all;
  }

  @Override
  public SiblingReadAhead siblings() {
    return siblings;
  }

  private void fetchAhead(FileChunks file) {
    for (IndexedChunk chunk : file.getChunksList()) {
      Blocks.within(
          chunk.getChunk().getExtentsList(), 0, Layout.CHUNK_BYTES, store.cache()::prefetch);
    }
  }

  private void flushOld() {
    files().forEach(file -> file.flushOlderThan(COMMIT_AGE));
  }

  @Override
  public List<String> flushAll() {
    List<String> failed = new ArrayList<>();
    for (FileData file : files()) {
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
    return staging == null ? Optional.empty() : Optional.of(staging.usage());
  }

  @Override
  public boolean awaitUploaded(Duration bound) throws InterruptedException {
    return staging == null || staging.awaitEmpty(bound);
  }

  /** Call {@link #flushAll} first. What is in the journal stays there for the next mount. */
  @Override
  public void close() {
    siblings.close();
    if (staging != null) {
      staging.close();
    }
    timer.shutdownNow();
    background.shutdownNow();
  }
}

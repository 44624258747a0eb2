package io.curvefs.client.data;

import io.curvefs.cache.BlockCache;
import io.curvefs.cache.BlockSource;
import io.curvefs.client.content.ContentListener;
import io.curvefs.client.content.Contents;
import io.curvefs.client.content.FileContent;
import io.curvefs.client.content.OpenContents;
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
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
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
  private final ExecutorService background;
  private final ScheduledExecutorService timer;
  private final @Nullable StagedUploads staging;
  private final SiblingReadAhead siblings;
  private final OpenContents<FileData> files;

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
    this.files =
        new OpenContents<>(
            inode -> new FileData(store, inode, listener), FileData::abandon, FileData::hasPending);
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

  /** The file may have nothing left to commit. */
  private void drained(InodeId inode) {
    files.settled(inode);
  }

  private void recover(Journal journal) {
    Map<InodeId, List<StagedBlock>> byInode = new LinkedHashMap<>();
    for (StagedBlock block : journal.recovered()) {
      byInode.computeIfAbsent(block.inode(), inode -> new ArrayList<>()).add(block);
    }
    byInode.forEach(
        (inode, blocks) -> {
          FileData file = files.keep(inode);
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

  @Override
  public FileData open(InodeId inode) {
    return files.open(inode);
  }

  @Override
  public @Nullable FileData find(InodeId inode) {
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

  private void fetchAhead(FileChunks file) {
    for (IndexedChunk chunk : file.getChunksList()) {
      Blocks.within(
          chunk.getChunk().getExtentsList(), 0, Layout.CHUNK_BYTES, store.cache()::prefetch);
    }
  }

  private void flushOld() {
    files.all().forEach(file -> file.flushOlderThan(COMMIT_AGE));
  }

  @Override
  public List<String> flushAll() {
    return files.flushAll();
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

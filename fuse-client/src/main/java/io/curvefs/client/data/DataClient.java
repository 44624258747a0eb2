package io.curvefs.client.data;

import io.curvefs.cache.BlockCache;
import io.curvefs.cache.BlockSource;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.siblings.SiblingReadAhead;
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
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The data path of a mount. Thread-safe. */
public final class DataClient implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(DataClient.class);

  /** A file that stays open gets its bytes committed after so long, so that others see it grow. */
  private static final Duration COMMIT_AGE = Duration.ofSeconds(5);

  private static final int BACKGROUND_THREADS = 4;

  private final FileStore store;
  private final ContentListener listener;
  private final ExecutorService background;
  private final ScheduledExecutorService timer;
  private final SiblingReadAhead siblings;
  private final Set<FileData> files = ConcurrentHashMap.newKeySet();

  /**
   * @param objects and {@code cache} stay the caller's
   */
  public DataClient(
      NamespaceClient namespace,
      ObjectStore objects,
      BlockCache cache,
      WriteBuffer buffer,
      WallClock clock,
      ContentListener listener) {
    this.listener = listener;
    this.background =
        Executors.newFixedThreadPool(
            BACKGROUND_THREADS, new DefaultThreadFactory("data-commit", true));
    this.timer =
        Executors.newSingleThreadScheduledExecutor(new DefaultThreadFactory("data-timer", true));
    this.store =
        new FileStore(
            namespace,
            objects,
            cache,
            buffer,
            new SliceIds(namespace.meta()),
            namespace.meta().fileSystem().getUuid(),
            clock,
            background);
    this.siblings = new SiblingReadAhead(namespace, this::fetchAhead);
    timer.scheduleWithFixedDelay(this::flushOld, 1, 1, TimeUnit.SECONDS);
  }

  /** Blocks as the object store has them. */
  public static BlockSource source(ObjectStore objects, String fileSystemUuid) {
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

  /** The bytes of a file that is open until {@link #close(FileData)}. */
  public FileData open(InodeId inode) {
    FileData file = new FileData(store, inode, listener);
    files.add(file);
    return file;
  }

  /** The last handle is gone; what is not flushed by now never will be. */
  public void close(FileData file) {
    files.remove(file);
    file.abandon();
  }

  /** Fetches small files before they are opened; told of listings and opens. */
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
    files.forEach(file -> file.flushOlderThan(COMMIT_AGE));
  }

  /**
   * Flushes every file.
   *
   * @return what could not be written, one line each
   */
  public List<String> flushAll() {
    List<String> failed = new ArrayList<>();
    for (FileData file : files) {
      try {
        file.flush();
      } catch (IOException e) {
        log.error("lost at the end: {}", e.getMessage());
        failed.add(String.valueOf(e.getMessage()));
      }
    }
    return failed;
  }

  /** Call {@link #flushAll} first. */
  @Override
  public void close() {
    siblings.close();
    timer.shutdownNow();
    background.shutdownNow();
  }
}

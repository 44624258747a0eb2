package io.curvefs.metaserver.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.rocksdb.Checkpoint;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Snapshot;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * The rows of one group's replica. RocksDB without its write-ahead log: the raft log is that. Rows
 * written after the last flush are lost with the process and come back from the raft log, which is
 * why the applied index travels in the same batch. Thread-safe; one writer.
 */
public final class StateStore implements View, AutoCloseable {
  /** RocksDB's file that names the list of the others. */
  private static final String CURRENT = "CURRENT";

  private final Path directory;
  private final StoreResources resources;

  /** Guards the native handle against being replaced under a reader. */
  private final ReentrantReadWriteLock replacing = new ReentrantReadWriteLock();

  private final WriteOptions writeOptions = new WriteOptions().setDisableWAL(true);
  private Options options;
  private @Nullable RocksDB db;

  private StateStore(Path directory, StoreResources resources, Options options, RocksDB db) {
    this.directory = directory;
    this.resources = resources;
    this.options = options;
    this.db = db;
  }

  /**
   * Opens the store in a directory, creating it when absent. What a restore that was interrupted
   * has left there is removed.
   *
   * @throws IOException when another process has it open, or it is damaged
   */
  public static StateStore open(Path directory, StoreResources resources) throws IOException {
    Files.createDirectories(directory);
    if (!Files.exists(directory.resolve(CURRENT))) {
      deleteFiles(directory);
    }
    Options options = resources.options();
    return new StateStore(directory, resources, options, openDb(directory, options));
  }

  private static RocksDB openDb(Path directory, Options options) throws IOException {
    try {
      return RocksDB.open(options, directory.toString());
    } catch (RocksDBException e) {
      throw new IOException("cannot open the store in " + directory + ": " + e.getMessage(), e);
    }
  }

  private RocksDB db() {
    RocksDB current = db;
    if (current == null) {
      throw new IllegalStateException("the store in " + directory + " is closed");
    }
    return current;
  }

  @Override
  public byte @Nullable [] get(byte[] key) {
    replacing.readLock().lock();
    try {
      return db().get(key);
    } catch (RocksDBException e) {
      throw new StoreFailedException(directory, e);
    } finally {
      replacing.readLock().unlock();
    }
  }

  @Override
  public List<Row> scan(byte[] prefix, byte @Nullable [] after, int limit) {
    replacing.readLock().lock();
    try (RocksIterator rows = db().newIterator()) {
      return scan(rows, prefix, after, limit);
    } catch (RocksDBException e) {
      throw new StoreFailedException(directory, e);
    } finally {
      replacing.readLock().unlock();
    }
  }

  private static List<Row> scan(
      RocksIterator rows, byte[] prefix, byte @Nullable [] after, int limit)
      throws RocksDBException {
    List<Row> found = new ArrayList<>();
    rows.seek(after == null ? prefix : after);
    if (after != null && rows.isValid() && Arrays.equals(rows.key(), after)) {
      rows.next();
    }
    while (found.size() < limit && rows.isValid()) {
      byte[] key = rows.key();
      if (!Keys.startsWith(key, prefix)) {
        break;
      }
      found.add(new Row(key, rows.value()));
      rows.next();
    }
    rows.status();
    return found;
  }

  @Override
  public @Nullable Row lower(byte[] prefix, byte[] key) {
    replacing.readLock().lock();
    try (RocksIterator rows = db().newIterator()) {
      return lower(rows, prefix, key);
    } catch (RocksDBException e) {
      throw new StoreFailedException(directory, e);
    } finally {
      replacing.readLock().unlock();
    }
  }

  private static @Nullable Row lower(RocksIterator rows, byte[] prefix, byte[] key)
      throws RocksDBException {
    rows.seekForPrev(key);
    if (rows.isValid() && Arrays.equals(rows.key(), key)) {
      rows.prev();
    }
    rows.status();
    return rows.isValid() && Keys.startsWith(rows.key(), prefix)
        ? new Row(rows.key(), rows.value())
        : null;
  }

  /**
   * The rows as they are now, while others go on writing. To be closed soon: it keeps old rows on
   * the disk.
   *
   * @throws IllegalStateException when the store is closed; reading it after the store was closed
   *     or restored throws it too
   */
  public FrozenRows freeze() {
    replacing.readLock().lock();
    try {
      return new FrozenRows(db());
    } finally {
      replacing.readLock().unlock();
    }
  }

  /** All rows of one moment. Thread-safe. */
  public final class FrozenRows implements View, AutoCloseable {
    private final RocksDB frozen;
    private final Snapshot snapshot;
    private final ReadOptions options;

    private FrozenRows(RocksDB frozen) {
      this.frozen = frozen;
      this.snapshot = frozen.getSnapshot();
      this.options = new ReadOptions().setSnapshot(snapshot).setFillCache(false);
    }

    private RocksDB same() {
      if (db != frozen) {
        throw new IllegalStateException("the store in " + directory + " was closed or restored");
      }
      return frozen;
    }

    @Override
    public byte @Nullable [] get(byte[] key) {
      replacing.readLock().lock();
      try {
        return same().get(options, key);
      } catch (RocksDBException e) {
        throw new StoreFailedException(directory, e);
      } finally {
        replacing.readLock().unlock();
      }
    }

    @Override
    public List<Row> scan(byte[] prefix, byte @Nullable [] after, int limit) {
      replacing.readLock().lock();
      try (RocksIterator rows = same().newIterator(options)) {
        return StateStore.scan(rows, prefix, after, limit);
      } catch (RocksDBException e) {
        throw new StoreFailedException(directory, e);
      } finally {
        replacing.readLock().unlock();
      }
    }

    @Override
    public @Nullable Row lower(byte[] prefix, byte[] key) {
      replacing.readLock().lock();
      try (RocksIterator rows = same().newIterator(options)) {
        return StateStore.lower(rows, prefix, key);
      } catch (RocksDBException e) {
        throw new StoreFailedException(directory, e);
      } finally {
        replacing.readLock().unlock();
      }
    }

    @Override
    public void close() {
      replacing.readLock().lock();
      try {
        if (db == frozen) {
          frozen.releaseSnapshot(snapshot);
        }
        options.close();
      } finally {
        replacing.readLock().unlock();
      }
    }
  }

  /**
   * What the rows take.
   *
   * @param fileBytes of table files in use
   * @param memoryBytes of rows that are not flushed
   * @param rows about how many there are
   */
  public record Figures(long fileBytes, long memoryBytes, long rows) {}

  /** What the rows take now, by RocksDB's own account. */
  public Figures figures() {
    replacing.readLock().lock();
    try {
      RocksDB current = db();
      return new Figures(
          current.getLongProperty("rocksdb.live-sst-files-size"),
          current.getLongProperty("rocksdb.cur-size-all-mem-tables"),
          current.getLongProperty("rocksdb.estimate-num-keys"));
    } catch (RocksDBException e) {
      throw new StoreFailedException(directory, e);
    } finally {
      replacing.readLock().unlock();
    }
  }

  /** Writes all changes at once. */
  public void write(WriteSet changes) {
    replacing.readLock().lock();
    try (WriteBatch batch = new WriteBatch()) {
      changes.forEach(
          (key, value) -> {
            try {
              batch.put(key, value);
            } catch (RocksDBException e) {
              throw new StoreFailedException(directory, e);
            }
          },
          key -> {
            try {
              batch.delete(key);
            } catch (RocksDBException e) {
              throw new StoreFailedException(directory, e);
            }
          });
      db().write(writeOptions, batch);
    } catch (RocksDBException e) {
      throw new StoreFailedException(directory, e);
    } finally {
      replacing.readLock().unlock();
    }
  }

  /**
   * Writes a consistent copy: hard links to the files, after flushing what is in memory.
   *
   * @param target must not exist
   * @return the names of the files in it
   */
  public List<String> checkpoint(Path target) throws IOException {
    replacing.readLock().lock();
    try (Checkpoint checkpoint = Checkpoint.create(db())) {
      checkpoint.createCheckpoint(target.toString());
    } catch (RocksDBException e) {
      throw new IOException("cannot write the checkpoint " + target, e);
    } finally {
      replacing.readLock().unlock();
    }
    try (Stream<Path> files = Files.list(target)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  /**
   * Throws every row away and takes those of a checkpoint instead. When it fails, or the process
   * dies meanwhile, the store is empty when it is opened next: CURRENT, without which there is no
   * store, goes first and comes last.
   */
  public void restore(Path checkpoint) throws IOException {
    replacing.writeLock().lock();
    try {
      closeDb();
      Files.deleteIfExists(directory.resolve(CURRENT));
      force(directory);
      deleteFiles(directory);
      try (Stream<Path> files = Files.list(checkpoint)) {
        for (Path file : files.toList()) {
          if (!file.getFileName().toString().equals(CURRENT)) {
            take(file, directory.resolve(file.getFileName().toString()));
          }
        }
      }
      Path current = directory.resolve(CURRENT + ".new");
      take(checkpoint.resolve(CURRENT), current);
      force(directory);
      Files.move(current, directory.resolve(CURRENT), StandardCopyOption.ATOMIC_MOVE);
      force(directory);
      options = resources.options();
      db = openDb(directory, options);
    } finally {
      replacing.writeLock().unlock();
    }
  }

  /** Table files never change and may be shared; the others are written to when opened. */
  private static void take(Path file, Path target) throws IOException {
    if (file.toString().endsWith(".sst")) {
      Files.createLink(target, file);
    } else {
      Files.copy(file, target);
    }
    force(target);
  }

  /** Waits until a file's bytes, or a directory's names, are on disk. */
  private static void force(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static void deleteFiles(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
  }

  private void closeDb() {
    if (db != null) {
      db.close();
      db = null;
      options.close();
    }
  }

  @Override
  public void close() {
    replacing.writeLock().lock();
    try {
      closeDb();
      writeOptions.close();
    } finally {
      replacing.writeLock().unlock();
    }
  }
}

package io.curvefs.metaserver.store;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.rocksdb.Checkpoint;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * The rows of one group's replica. RocksDB without its write-ahead log: the raft log is that. Rows
 * written after the last flush are lost with the process and come back from the raft log, which is
 * why the applied index travels in the same batch. Thread-safe; one writer.
 */
public final class StateStore implements View, AutoCloseable {
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
   * Opens the store in a directory, creating it when absent.
   *
   * @throws IOException when another process has it open, or it is damaged
   */
  public static StateStore open(Path directory, StoreResources resources) throws IOException {
    Files.createDirectories(directory);
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

  /** Throws every row away and takes those of a checkpoint instead. */
  public void restore(Path checkpoint) throws IOException {
    replacing.writeLock().lock();
    try {
      closeDb();
      deleteTree(directory);
      Files.createDirectories(directory);
      try (Stream<Path> files = Files.list(checkpoint)) {
        for (Path file : files.toList()) {
          Path target = directory.resolve(file.getFileName().toString());
          // Table files never change and may be shared; the others are written to when opened.
          if (file.toString().endsWith(".sst")) {
            Files.createLink(target, file);
          } else {
            Files.copy(file, target);
          }
        }
      }
      options = resources.options();
      db = openDb(directory, options);
    } finally {
      replacing.writeLock().unlock();
    }
  }

  private static void deleteTree(Path root) throws IOException {
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(dir);
            return FileVisitResult.CONTINUE;
          }
        });
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

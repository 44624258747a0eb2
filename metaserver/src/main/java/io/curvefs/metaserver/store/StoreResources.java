package io.curvefs.metaserver.store;

import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.CompressionType;
import org.rocksdb.Env;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.WriteBufferManager;

/** Memory that all stores of a process share. Thread-safe. Close after every store. */
public final class StoreResources implements AutoCloseable {
  private static final int BLOCK_BYTES = 16 << 10;
  private static final int BLOOM_BITS_PER_KEY = 10;
  private static final int BACKGROUND_JOBS = 2;
  private static final int LOG_FILES_KEPT = 2;

  static {
    RocksDB.loadLibrary();
  }

  private final Cache blockCache;
  private final WriteBufferManager writeBuffers;
  private final BloomFilter bloomFilter = new BloomFilter(BLOOM_BITS_PER_KEY);

  /**
   * @param blockCacheBytes for blocks read from disk, of all stores together
   * @param writeBufferBytes for rows not yet flushed, of all stores together
   */
  public StoreResources(long blockCacheBytes, long writeBufferBytes) {
    blockCache = new LRUCache(blockCacheBytes);
    writeBuffers = new WriteBufferManager(writeBufferBytes, blockCache);
  }

  Options options() {
    Options options = new Options();
    options.setCreateIfMissing(true);
    options.setWriteBufferManager(writeBuffers);
    options.setEnv(Env.getDefault());
    options.setMaxBackgroundJobs(BACKGROUND_JOBS);
    options.setCompressionType(CompressionType.LZ4_COMPRESSION);
    options.setKeepLogFileNum(LOG_FILES_KEPT);
    options.setTableFormatConfig(
        new BlockBasedTableConfig()
            .setBlockCache(blockCache)
            .setBlockSize(BLOCK_BYTES)
            .setFilterPolicy(bloomFilter));
    return options;
  }

  /** Bytes of blocks in memory, and of unflushed rows, which are charged to them. */
  public long blockCacheBytes() {
    return blockCache.getUsage();
  }

  @Override
  public void close() {
    bloomFilter.close();
    writeBuffers.close();
    blockCache.close();
  }
}

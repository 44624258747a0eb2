package io.curvefs.cache;

import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Blocks, from the nearest place that has them. All methods may be called concurrently. A cache
 * that fails costs speed, never an error: only the source and the lack of memory make a read fail.
 */
public interface BlockCache extends AutoCloseable {
  /**
   * The whole block, from the nearest tier, else from the source; the tiers above are filled.
   * However many threads ask for a block at once, it is loaded once; if that load fails all of them
   * get its exception, and the next to ask tries again. When it fails because its thread was
   * interrupted, only that thread does; another one loads for the rest.
   *
   * @param bytesWanted how much of it the caller is about to use, for the statistics
   * @return the content with one reference, which the caller releases
   * @throws IOException if the source fails or no memory becomes free in time
   */
  PagedBytes read(BlockId id, int bytesWanted) throws IOException;

  /** {@link #read(BlockId, int)} of all of it. */
  default PagedBytes read(BlockId id) throws IOException {
    return read(id, id.length());
  }

  /**
   * Fills {@code dst} from its position to its limit with the bytes at {@code offset} of the block,
   * for random access: from the nearest tier that has them, else exactly these bytes from the
   * source, without caching them. A block of which more than half was lately read in such pieces is
   * loaded whole.
   *
   * @param offset 0 or more; {@code offset + dst.remaining()} is at most {@code id.length()}
   * @throws IOException as for {@link #read}; the position of {@code dst} is then unchanged, the
   *     bytes behind it undefined
   */
  void readRange(BlockId id, int offset, ByteBuffer dst) throws IOException;

  /**
   * Whether a disk of this host has the block, so that a part of it costs no more than that. Asks
   * the disk for the file's attributes, bounded as its reads are.
   */
  boolean isOnDisk(BlockId id);

  /**
   * Brings the block into memory in the background. A hint: dropped when the workers are busy or
   * memory is short, and a failure shows only in a later {@link #read}, which tries again.
   */
  void prefetch(BlockId id);

  /**
   * Bytes of blocks that can be fetched ahead and wait for their readers at the same time; more
   * prefetches than that are dropped.
   */
  long aheadBytesMax();

  /**
   * Takes a block that was just written, as far as policy and room allow. Never waits for a disk.
   * The caller keeps its own reference.
   *
   * @throws IllegalArgumentException if {@code content} is not as long as the block
   */
  void offer(BlockId id, PagedBytes content);

  /**
   * Forgets every block in memory and on disk. What memcached servers have stays there, for other
   * hosts share it: reads are cold only without such servers.
   *
   * @throws IOException if the disk tier could not be emptied
   */
  void dropAll() throws IOException;

  /**
   * Forgets every block in memory; what lies below stays, so that the next reads come from there.
   */
  void dropMemory();

  /** A snapshot; its figures may stem from slightly different moments. */
  CacheStatistics statistics();

  /**
   * Stops the background work and gives the cache's pages back. Content that callers hold stays
   * valid until they release it.
   */
  @Override
  void close();
}

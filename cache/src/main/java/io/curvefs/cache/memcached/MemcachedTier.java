package io.curvefs.cache.memcached;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.CacheFullException;
import io.curvefs.cache.TierRoom;
import io.curvefs.cache.TierStatistics;
import io.curvefs.cache.page.PagePool;
import io.curvefs.cache.page.PagedBytes;
import io.curvefs.cache.page.PagesExhaustedException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Blocks on memcached servers that all hosts of a file system share. Thread-safe. A block is kept
 * in {@linkplain PartLayout parts}, all of them on one server; each part says whose it is and
 * carries a checksum, so that a wrong, damaged or missing one is a miss.
 *
 * <p>Without servers the tier is off and answers at once. A server that does not answer costs
 * whoever waits for it one bounded wait; then its blocks are looked for on, and go to, the next one
 * on the {@linkplain HashRing ring} until it answers again. Blocks never change, so what it still
 * has then is right.
 */
public final class MemcachedTier implements AutoCloseable {
  private final MemcachedOptions options;
  private final UUID namespace;
  private final PagePool pool;
  private final Servers servers;
  private final BackgroundFill fill;

  /** Bytes of blocks that may still be copied to the heap to be stored. */
  private final Semaphore storeBytes;

  private final WarmedBytes warmed = new WarmedBytes();
  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();
  private final LongAdder bytesServed = new LongAdder();
  private final LongAdder drops = new LongAdder();
  private final LongAdder errors = new LongAdder();

  /**
   * A tier without servers, for now.
   *
   * @param pool where the pages of what is read come from
   */
  public MemcachedTier(MemcachedOptions options, PagePool pool) {
    this.options = options;
    this.namespace = options.namespace();
    this.pool = pool;
    this.storeBytes = new Semaphore(options.storeBytesMax(), true);
    this.fill = new BackgroundFill(options.fillBytesMax(), this::storeCounted);
    this.servers = new Servers(options);
  }

  /**
   * Uses these servers from now on, and no others; what is under way with others fails, which is a
   * miss. Returns when each new one has been tried once, a few seconds later at most. The order of
   * the servers does not matter.
   *
   * @param wanted none: the tier is off
   */
  public void use(Collection<MemcachedServer> wanted) {
    servers.use(Set.copyOf(wanted));
  }

  /** Whether there are servers, be they in service or not. */
  public boolean isOn() {
    return !servers.all().isEmpty();
  }

  /** Servers that answer now, as far as is known. */
  public int serversInService() {
    return (int) servers.all().stream().filter(ServerNode::isInService).count();
  }

  private @Nullable ServerNode nodeOf(BlockId id) {
    return servers.find(PartLayout.hash(namespace, id));
  }

  private ServerNode serverOf(BlockId id) throws IOException {
    return servers.require(PartLayout.hash(namespace, id));
  }

  /**
   * The content with a reference for the caller, or null.
   *
   * @throws IOException only for want of pages, or when interrupted
   */
  public @Nullable PagedBytes read(BlockId id) throws IOException {
    PagedBytes content = load(id, 0, PartLayout.count(id) - 1);
    count(content != null, id.length());
    return content;
  }

  /**
   * Fills {@code dst} with the bytes at {@code offset} of the block, or leaves it as it is. Whole
   * parts travel, for only they can be checked.
   *
   * @return bytes that travelled, 0 if the block cannot be had
   * @throws IOException only for want of pages, or when interrupted
   */
  public int readRange(BlockId id, int offset, ByteBuffer dst) throws IOException {
    int length = dst.remaining();
    Objects.checkFromIndexSize(offset, length, id.length());
    if (length == 0) {
      return 0;
    }
    int first = PartLayout.partAt(offset);
    PagedBytes content = load(id, first, PartLayout.partAt(offset + length - 1));
    count(content != null, length);
    if (content == null) {
      return 0;
    }
    content.copyTo(offset - first * PartLayout.BYTES, dst, length);
    int travelled = content.length();
    content.release();
    return travelled;
  }

  private void count(boolean hit, int bytes) {
    if (hit) {
      hits.increment();
      bytesServed.add(bytes);
    } else if (isOn()) {
      misses.increment();
    }
  }

  /** Checked content of parts {@code first} to {@code last}; null if it cannot be had. */
  private @Nullable PagedBytes load(BlockId id, int first, int last) throws IOException {
    ServerNode node = nodeOf(id);
    if (node == null) {
      return null;
    }
    int bytes = Math.min(id.length(), (last + 1) * PartLayout.BYTES) - first * PartLayout.BYTES;
    try {
      return node.useToRead(
          bytes,
          () ->
              PagedBytes.fill(
                  pool,
                  bytes,
                  options.readWaitMax(),
                  pages -> fetch(node, id, first, last, pages)));
    } catch (PartsMissingException e) {
      return null;
    } catch (PagesExhaustedException | InterruptedIOException e) {
      throw e; // no fault of the server
    } catch (IOException e) {
      errors.increment();
      return null;
    }
  }

  private void fetch(ServerNode node, BlockId id, int first, int last, List<ByteBuffer> pages)
      throws IOException {
    List<IncomingPart> parts = new ArrayList<>();
    for (int part = first; part <= last; part++) {
      parts.add(new IncomingPart(namespace, id, part, PartLayout.pagesOf(pages, part - first)));
    }
    node.use(
        connection -> {
          connection.get(parts);
          List<String> damaged = new ArrayList<>();
          boolean whole = true;
          for (IncomingPart part : parts) {
            boolean good = part.isGood();
            whole &= good;
            if (part.isPresent() && !good) {
              damaged.add(part.key());
            }
          }
          if (!damaged.isEmpty()) {
            errors.add(damaged.size());
            connection.delete(damaged);
          }
          if (!whole) {
            throw new PartsMissingException("not all of block " + id);
          }
          return whole;
        });
    pages.forEach(page -> page.position(page.limit()));
  }

  /**
   * Takes a block to be stored in the background, unless no server answers or too much waits
   * already. Never blocks. The caller keeps its own reference.
   */
  public void offer(BlockId id, PagedBytes content) {
    if (nodeOf(id) != null) {
      fill.offer(id, content);
    } else if (isOn()) {
      drops.increment();
    }
  }

  private void storeCounted(BlockId id, PagedBytes content) throws IOException {
    try {
      store(serverOf(id), id, content);
    } catch (IOException e) {
      errors.increment();
      throw e;
    }
  }

  /**
   * Stores the block; when it returns, the server has said that it has all of it. Waits while too
   * much is on its way already. The caller keeps its own reference.
   *
   * @param job of the warmup that stores it
   * @throws CacheFullException if the job would push out what it has stored before
   * @throws IOException if no server answers, or one refuses the block; the message names it and
   *     what it said
   */
  public void store(BlockId id, PagedBytes content, int job) throws IOException {
    ServerNode node = serverOf(id);
    warmed.add(job, node, id.length(), node.bytesMax());
    boolean stored = false;
    try {
      store(node, id, content);
      stored = true;
    } finally {
      if (!stored) {
        warmed.subtract(job, node, id.length());
      }
    }
  }

  /** Ends a warmup job. */
  public void release(int job) {
    warmed.release(job);
  }

  private void store(ServerNode node, BlockId id, PagedBytes content) throws IOException {
    await(id.length());
    try {
      node.use(
          connection -> {
            connection.store(namespace, id, content);
            return id;
          });
    } finally {
      storeBytes.release(id.length());
    }
  }

  private void await(int bytes) throws IOException {
    try {
      if (!storeBytes.tryAcquire(bytes, options.storeWaitMax().toMillis(), TimeUnit.MILLISECONDS)) {
        throw new IOException(
            "the memcached servers took in less than "
                + options.storeBytesMax()
                + " bytes within "
                + options.storeWaitMax().toSeconds()
                + " s");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting to store in memcached");
    }
  }

  /** Whether a server has every part of the block. The content does not travel. */
  public boolean contains(BlockId id) throws IOException {
    return !present(List.of(id)).isEmpty();
  }

  /**
   * Those of the blocks of which a server has every part. The content does not travel; that a part
   * is undamaged is not known before it is read. None when the tier is off.
   *
   * @throws IOException if a server does not answer
   */
  public Set<BlockId> present(Collection<BlockId> ids) throws IOException {
    if (!isOn()) {
      return Set.of();
    }
    Map<ServerNode, List<BlockId>> byNode = new LinkedHashMap<>();
    for (BlockId id : ids) {
      byNode.computeIfAbsent(serverOf(id), node -> new ArrayList<>()).add(id);
    }
    Set<BlockId> present = new HashSet<>();
    for (Map.Entry<ServerNode, List<BlockId>> asked : byNode.entrySet()) {
      List<String> keys = asked.getValue().stream().flatMap(id -> keys(id).stream()).toList();
      List<Boolean> answers = asked.getKey().use(connection -> connection.touch(keys));
      int from = 0;
      for (BlockId id : asked.getValue()) {
        int to = from + PartLayout.count(id);
        if (!answers.subList(from, to).contains(false)) {
          present.add(id);
        }
        from = to;
      }
    }
    return present;
  }

  /**
   * Takes the block off its server.
   *
   * @return whether any of it was there
   */
  public boolean evict(BlockId id) throws IOException {
    return serverOf(id).use(connection -> connection.delete(keys(id))).contains(true);
  }

  private List<String> keys(BlockId id) {
    List<String> keys = new ArrayList<>();
    for (int part = 0; part < PartLayout.count(id); part++) {
      keys.add(PartLayout.key(namespace, id, part));
    }
    return keys;
  }

  /** The room of all servers that answer, whoever uses it. Nothing is ever held there. */
  public TierRoom room() {
    long bytesMax = 0;
    long bytesUsed = 0;
    for (ServerNode node : servers.all()) {
      try {
        bytesUsed += node.use(connection -> connection.counter("bytes"));
        bytesMax += node.bytesMax();
      } catch (IOException e) {
        // A server that does not answer has no room.
      }
    }
    return new TierRoom(bytesMax, bytesUsed, 0);
  }

  /** Whether nothing that was offered still waits to be stored. */
  public boolean isIdle() {
    return fill.isIdle();
  }

  /** A snapshot. What the servers hold is not known without asking them: blocks and bytes are 0. */
  public TierStatistics statistics() {
    return new TierStatistics(
        hits.sum(),
        misses.sum(),
        bytesServed.sum(),
        0,
        0,
        0,
        drops.sum() + fill.drops(),
        errors.sum());
  }

  /** How often the servers in service were waited for, for tests. */
  public long exchanges() {
    return servers.all().stream().mapToLong(ServerNode::exchanges).sum();
  }

  /** Stores what waits if that is quickly done, and lets go of the servers. */
  @Override
  public void close() {
    fill.close();
    servers.close();
  }
}

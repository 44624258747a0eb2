package io.curvefs.cache.memcached;

import io.curvefs.cache.CacheFullException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * What each warmup job has put on each server. A server evicts what was used longest ago and cannot
 * be told to keep anything; so a job stops before it would push out its own blocks. Thread-safe.
 */
final class WarmedBytes {
  /** Of a server's memory, what blocks surely find room in: the rest its allocator may waste. */
  private static final int USABLE_PERCENT = 85;

  private final ConcurrentMap<Integer, ConcurrentMap<ServerNode, Long>> jobs =
      new ConcurrentHashMap<>();

  /**
   * Notes that a job is about to put bytes on a server.
   *
   * @param bytesMax of the server's memory
   * @throws CacheFullException if the job has filled that server already
   */
  void add(int job, ServerNode server, int bytes, long bytesMax) throws CacheFullException {
    long usable = bytesMax / 100 * USABLE_PERCENT;
    long sum =
        jobs.computeIfAbsent(job, key -> new ConcurrentHashMap<>())
            .merge(server, (long) bytes, Long::sum);
    if (sum > usable) {
      subtract(job, server, bytes);
      throw new CacheFullException(
          "this job has filled memcached server %s: of its %d bytes at most %d can be used"
              .formatted(server, bytesMax, usable));
    }
  }

  /** Takes {@link #add} back. */
  void subtract(int job, ServerNode server, int bytes) {
    ConcurrentMap<ServerNode, Long> servers = jobs.get(job);
    if (servers != null) {
      servers.merge(server, (long) -bytes, Long::sum);
    }
  }

  /** Forgets a job that has ended. */
  void release(int job) {
    jobs.remove(job);
  }
}

package io.curvefs.cache.memcached;

import static java.util.stream.Collectors.joining;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** The servers in use, which of them a block belongs to, and the threads that look after them. */
final class Servers implements AutoCloseable {
  private static final int THREADS = 4;
  private static final long CLOSE_SECONDS_MAX = 5;

  private final MemcachedOptions options;
  private final ScheduledThreadPoolExecutor background;
  private volatile List<ServerNode> all = List.of();
  private volatile HashRing<ServerNode> ring = HashRing.of(all);

  @GuardedBy("this")
  private final Map<MemcachedServer, ServerNode> nodes = new LinkedHashMap<>();

  @GuardedBy("this")
  private boolean closed;

  Servers(MemcachedOptions options) {
    this.options = options;
    this.background =
        new ScheduledThreadPoolExecutor(
            THREADS,
            work -> {
              Thread thread = new Thread(work, "curvefs-memcached");
              thread.setDaemon(true);
              return thread;
            });
    background.setRemoveOnCancelPolicy(true);
  }

  /** Uses these servers and no others. Returns when each new one has been tried once. */
  void use(Set<MemcachedServer> servers) {
    CompletableFuture<?>[] tried = change(servers).toArray(CompletableFuture[]::new);
    Duration waitMax = options.connectMax().plus(options.silenceMax()).multipliedBy(2);
    try {
      CompletableFuture.allOf(tried).get(waitMax.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      // Still tried in the background; out of service until that has worked.
    } catch (ExecutionException e) {
      throw new AssertionError("a first try does not fail", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized List<CompletableFuture<@Nullable Void>> change(
      Set<MemcachedServer> servers) {
    List<CompletableFuture<@Nullable Void>> started = new ArrayList<>();
    if (closed) {
      return started;
    }
    for (MemcachedServer server : servers) {
      if (!nodes.containsKey(server)) {
        ServerNode node = new ServerNode(server, options, background);
        nodes.put(server, node);
        started.add(node.start());
      }
    }
    List<ServerNode> unused = new ArrayList<>();
    nodes
        .entrySet()
        .removeIf(entry -> !servers.contains(entry.getKey()) && unused.add(entry.getValue()));
    all = List.copyOf(nodes.values());
    ring = HashRing.of(all);
    unused.forEach(ServerNode::retire);
    return started;
  }

  /** All of them, in service or not. */
  List<ServerNode> all() {
    return all;
  }

  /** The server in service that is nearest to a place on the ring; null if none is. */
  @Nullable ServerNode find(long hash) {
    return ring.find(hash, ServerNode::isInService);
  }

  /**
   * As {@link #find}, but says why there is none.
   *
   * @throws IOException if none is in service
   */
  ServerNode require(long hash) throws IOException {
    ServerNode node = find(hash);
    if (node == null) {
      List<ServerNode> asked = all;
      throw new IOException(
          asked.isEmpty()
              ? "no memcached servers are bound to this file system"
              : "none of the memcached servers answers: "
                  + asked.stream().map(ServerNode::toString).sorted().collect(joining(", ")));
    }
    return node;
  }

  /** Lets go of all, for good. */
  @Override
  public void close() {
    synchronized (this) {
      change(Set.of());
      closed = true;
    }
    background.shutdown();
    try {
      background.awaitTermination(CLOSE_SECONDS_MAX, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

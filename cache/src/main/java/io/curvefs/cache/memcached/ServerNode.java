package io.curvefs.cache.memcached;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One server as this process sees it: <em>in service</em> with a connection, or left alone and
 * tried again in the background until it answers. The first request without an answer takes it out
 * of service, so nobody pays for that twice. Thread-safe.
 */
final class ServerNode {
  /** What is done with a server that is in service. */
  @FunctionalInterface
  interface Work<T> {
    T on(ServerConnection connection) throws IOException;
  }

  /** What brings bytes from the server. */
  @FunctionalInterface
  interface Reading<T> {
    T read() throws IOException;
  }

  private static final Logger log = LoggerFactory.getLogger(ServerNode.class);

  private final MemcachedServer server;
  private final MemcachedOptions options;
  private final ScheduledExecutorService background;
  private final CompletableFuture<@Nullable Void> tried = new CompletableFuture<>();

  /** Bytes that may still be asked of the server: a line that many share must not seem dead. */
  private final Semaphore readBytes;

  /** Null: out of service. Written under the lock. */
  private volatile @Nullable ServerConnection connection;

  /** Of the server's memory, as it said when it was connected to. */
  private volatile long bytesMax;

  @GuardedBy("this")
  private boolean retired;

  @GuardedBy("this")
  private @Nullable ScheduledFuture<?> nextTry;

  @GuardedBy("this")
  private boolean toldOfFailure;

  /**
   * @param background where connections are made, waited for and closed
   */
  ServerNode(
      MemcachedServer server, MemcachedOptions options, ScheduledExecutorService background) {
    this.server = server;
    this.options = options;
    this.background = background;
    this.readBytes = new Semaphore(options.readBytesMax(), true);
  }

  /**
   * Begins to connect; the future is complete once that has worked or failed for the first time.
   */
  synchronized CompletableFuture<@Nullable Void> start() {
    tryLater(0);
    return tried;
  }

  boolean isInService() {
    return connection != null;
  }

  /** The memory that the server may fill; meaningful once it has been in service. */
  long bytesMax() {
    return bytesMax;
  }

  /**
   * Does something with the server.
   *
   * @throws ServerLostException if it is out of service, or is now
   */
  <T> T use(Work<T> work) throws IOException {
    ServerConnection current = connection;
    if (current == null) {
      throw new ServerLostException(server, "does not answer");
    }
    try {
      return work.on(current);
    } catch (ServerLostException e) {
      leaveAlone(current, e);
      throw e;
    } catch (RuntimeException e) { // of xmemcached; what its connection is good for nobody knows
      ServerLostException lost = new ServerLostException(server, e);
      leaveAlone(current, lost);
      throw lost;
    }
  }

  /**
   * Does something that brings {@code bytes} bytes from the server, when it is its turn.
   *
   * @throws IOException if its turn did not come in time, which is not the server's fault
   */
  <T> T useToRead(int bytes, Reading<T> work) throws IOException {
    try {
      if (!readBytes.tryAcquire(bytes, options.readWaitMax().toMillis(), TimeUnit.MILLISECONDS)) {
        throw new IOException("too much is asked of memcached server " + server);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for memcached server " + server);
    }
    try {
      return work.read();
    } finally {
      readBytes.release(bytes);
    }
  }

  private synchronized void leaveAlone(ServerConnection failed, ServerLostException why) {
    if (connection == failed) {
      connection = null;
      failed.lose(); // those who wait for it too
      close(failed);
      tellOnce(why);
      tryLater(options.retryAfter().toMillis());
    }
  }

  private void connectionEnded(ServerConnection ended) {
    leaveAlone(ended, new ServerLostException(server, "connection lost"));
  }

  @GuardedBy("this")
  private void tryLater(long millis) {
    try {
      nextTry = background.schedule(this::connect, millis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      tried.complete(null); // the tier is closed
    }
  }

  private void connect() {
    try {
      InetSocketAddress address = new InetSocketAddress(server.host(), server.port());
      if (address.isUnresolved()) {
        throw new ServerLostException(server, "no address of that name is known");
      }
      ServerProbe.check(server, address, options);
      ServerConnection made =
          ServerConnection.open(server, address, options, this::connectionEnded);
      boolean connected = false;
      try {
        bytesMax = made.counter("limit_maxbytes");
        connected(made);
        connected = true;
      } finally {
        if (!connected) {
          made.close();
        }
      }
    } catch (IOException e) {
      stillLost(e);
    } catch (RuntimeException e) { // of xmemcached
      stillLost(new ServerLostException(server, e));
    } finally {
      tried.complete(null);
    }
  }

  private synchronized void connected(ServerConnection made) {
    if (retired) {
      close(made);
      return;
    }
    connection = made;
    if (toldOfFailure) {
      toldOfFailure = false;
      log.info("memcached server {} is used again", server);
    }
  }

  private synchronized void stillLost(IOException why) {
    if (!retired) {
      tellOnce(why);
      tryLater(options.retryAfter().toMillis());
    }
  }

  @GuardedBy("this")
  private void tellOnce(IOException why) {
    if (!toldOfFailure) {
      toldOfFailure = true;
      log.warn("left alone until it answers: {}", why.getMessage());
    }
  }

  /** Ends the use of the server; what is under way fails. */
  synchronized void retire() {
    retired = true;
    tried.complete(null);
    if (nextTry != null) {
      nextTry.cancel(false);
    }
    ServerConnection current = connection;
    connection = null;
    if (current != null) {
      current.lose();
      close(current);
    }
  }

  private void close(ServerConnection unused) {
    try {
      background.execute(unused::close);
    } catch (RejectedExecutionException e) { // the tier is closed
      unused.close();
    }
  }

  /** {@link ServerConnection#exchanges} of the connection that there is now. */
  long exchanges() {
    ServerConnection current = connection;
    return current == null ? 0 : current.exchanges();
  }

  /** The server's name. */
  @Override
  public String toString() {
    return server.toString();
  }
}

package io.curvefs.space.device.remote;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.DeviceTimeoutException;
import io.curvefs.space.device.flush.Durability;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connections of a device. They are made together, and given up together when one is lost: the
 * server may have been restarted, which must be seen once, and before anything is asked of the new
 * one.
 *
 * <p>Locks: {@code connecting}, then {@code this}.
 */
final class Connections {
  private static final Logger LOG = LoggerFactory.getLogger(Connections.class);
  private static final long PAUSE_NANOS_MIN = 20_000_000;
  private static final long PAUSE_NANOS_MAX = 500_000_000;

  private final Connector connector;
  private final Durability durability;
  private final int connectionsMax;
  private final long silenceNanosMax;
  private final ReentrantLock connecting = new ReentrantLock();
  private final AtomicInteger turn = new AtomicInteger();

  /** Those that are alive, as far as is known; empty until they are made. */
  private volatile List<Connection> alive = List.of();

  @GuardedBy("this")
  private boolean closed;

  Connections(Connector connector, Durability durability, DeviceOptions options) {
    this.connector = connector;
    this.durability = durability;
    this.connectionsMax = options.connectionsMax();
    // Time enough for two servers that fall silent, and a third that answers.
    this.silenceNanosMax = options.timeout().toNanos() / 3;
  }

  /** Connects for the first time, without a second try, and says what the server offers. */
  Export first(long deadlineNanos) throws IOException {
    try {
      return connect(deadlineNanos).get(0).export();
    } catch (ExportRefusedException e) {
      throw e;
    } catch (IOException e) {
      throw new IOException(
          connector.name() + " cannot be opened: " + e.getMessage() + ". " + connector.remedy(), e);
    }
  }

  /** One of {@link #all}, in turn. */
  Connection next(long deadlineNanos) throws IOException {
    List<Connection> all = all(deadlineNanos);
    return all.get(Math.floorMod(turn.getAndIncrement(), all.size()));
  }

  /**
   * Connections that were alive a moment ago, at least one; connects until the deadline.
   *
   * @throws DeviceTimeoutException when the server could not be reached until then
   * @throws ExportRefusedException when what it offers cannot be used any more
   */
  List<Connection> all(long deadlineNanos) throws IOException {
    List<Connection> present = alive;
    if (!present.isEmpty()) {
      return present;
    }
    long pause = PAUSE_NANOS_MIN;
    while (true) {
      String reason;
      try {
        return connect(deadlineNanos);
      } catch (ExportRefusedException e) {
        throw e;
      } catch (IOException e) {
        reason = String.valueOf(e.getMessage());
      }
      long left = deadlineNanos - System.nanoTime();
      if (left <= 0) {
        throw new DeviceTimeoutException(
            connector.name() + " could not be reached: " + reason + ". " + connector.remedy());
      }
      pause(Math.min(pause, left));
      pause = Math.min(pause * 2, PAUSE_NANOS_MAX);
    }
  }

  private static void pause(long nanos) {
    long end = System.nanoTime() + nanos;
    boolean interrupted = Thread.interrupted();
    for (long left = nanos; left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(left);
      interrupted |= Thread.interrupted();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private List<Connection> connect(long deadlineNanos) throws IOException {
    if (!TimedLock.acquire(connecting, deadlineNanos)) {
      throw new IOException("connecting took too long");
    }
    try {
      List<Connection> present = alive;
      if (!present.isEmpty()) {
        return present;
      }
      refuseWhenClosed();
      // Silence during the handshake is as bad as later.
      long deadline = Math.min(deadlineNanos, System.nanoTime() + silenceNanosMax);
      List<Connection> made = new ArrayList<>();
      made.add(connectOnce(deadline));
      if (made.get(0).export().manyConnections()) {
        connectMore(made, deadline);
      }
      install(List.copyOf(made));
      return made;
    } finally {
      connecting.unlock();
    }
  }

  /** A server may allow fewer than we would like: those that it gives are enough. */
  private void connectMore(List<Connection> made, long deadline) {
    try {
      while (made.size() < connectionsMax) {
        made.add(connectOnce(deadline));
      }
    } catch (IOException e) {
      LOG.info("{}: {} connections, and no more: {}", connector.name(), made.size(), e.toString());
    }
  }

  private Connection connectOnce(long deadline) throws IOException {
    Wire wire = connector.connect(deadline);
    try {
      return new Connection(wire, silenceNanosMax);
    } catch (IOException e) {
      wire.close();
      throw e;
    }
  }

  private synchronized void install(List<Connection> made) throws IOException {
    if (closed) {
      made.forEach(connection -> connection.lose("closed"));
      refuseWhenClosed();
    }
    alive = made;
  }

  /** A connection broke. Of those that were alive together only the first counts as a loss. */
  synchronized void lost(Connection connection, String reason) {
    connection.lose(reason);
    if (alive.contains(connection)) {
      LOG.warn("{}: connection lost ({}), connecting anew", connector.name(), reason);
      durability.lost();
      giveUp("another connection was lost: " + reason);
    }
  }

  /**
   * Ends all connections, to make them anew when needed. The server is not suspected of anything.
   */
  synchronized void renew() {
    giveUp("to be made anew");
  }

  synchronized void close() {
    closed = true;
    giveUp("the device is closed");
  }

  @GuardedBy("this")
  private void giveUp(String reason) {
    List<Connection> before = alive;
    alive = List.of();
    before.forEach(connection -> connection.lose(reason));
  }

  private synchronized void refuseWhenClosed() throws IOException {
    if (closed) {
      throw new ExportRefusedException(connector.name() + " is closed");
    }
  }
}

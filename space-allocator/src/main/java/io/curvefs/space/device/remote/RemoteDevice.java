package io.curvefs.space.device.remote;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.BlockRange;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.DeviceTimeoutException;
import io.curvefs.space.device.LostWritesException;
import io.curvefs.space.device.flush.Durability;
import io.curvefs.space.device.flush.FlushTurns;
import io.curvefs.space.device.posix.NativeMemory;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A device behind a server. A command whose connection breaks, or falls silent for a third of the
 * bound, is repeated on a new one until the bound; reads, writes, flushes and discards of whole
 * blocks may be repeated. A server that comes back may have lost what was not flushed: see {@link
 * Durability}.
 */
public final class RemoteDevice implements BlockDevice {
  private static final long PAUSE_NANOS_MIN = 1_000_000;
  private static final long PAUSE_NANOS_MAX = 500_000_000;

  private final Connector connector;
  private final long timeoutNanos;
  private final Durability durability = new Durability();
  private final FlushTurns flushes = new FlushTurns();
  private final Connections connections;

  /** Read: an operation. Write: connections are being made anew on purpose. */
  private final ReadWriteLock renewal = new ReentrantReadWriteLock();

  private volatile Export export;
  private volatile boolean closed;

  private RemoteDevice(Connector connector, DeviceOptions options) throws IOException {
    this.connector = connector;
    this.timeoutNanos = options.timeout().toNanos();
    this.connections = new Connections(connector, durability, options);
    this.export = connections.first(deadline());
  }

  /** Opens a device; the first connection is tried once. */
  public static RemoteDevice open(Connector connector, DeviceOptions options) throws IOException {
    return new RemoteDevice(connector, options);
  }

  private long deadline() {
    return System.nanoTime() + timeoutNanos;
  }

  @Override
  public String name() {
    return connector.name();
  }

  @Override
  public long size() {
    return export.size();
  }

  /** Connects anew: a server says the size of a device once in a connection. */
  @Override
  public long refreshSize() throws IOException {
    refuseWhenClosed();
    long deadline = deadline();
    flush();
    if (!TimedLock.acquire(renewal.writeLock(), deadline)) {
      throw timeout("operations under way did not end");
    }
    try {
      flushAll(deadline); // past the turns: another's flush may wait for the lock
      connections.renew();
      export = connections.next(deadline).export();
      return export.size();
    } finally {
      renewal.writeLock().unlock();
    }
  }

  @Override
  public void read(ByteBuffer into, long offset) throws IOException {
    BlockRange range = BlockRange.of(into, offset).within(this);
    long address = NativeMemory.address(into);
    long deadline = deadline();
    long max = export.transferBytesMax();
    try {
      for (long done = 0; done < range.length(); done += max) {
        int piece = (int) Math.min(max, range.length() - done);
        run(new Command.Read(address + done, piece, offset + done), deadline);
      }
    } finally {
      Reference.reachabilityFence(into);
    }
  }

  @Override
  public void write(ByteBuffer from, long offset) throws IOException {
    BlockRange range = BlockRange.of(from, offset).within(this);
    long address = NativeMemory.address(from);
    long deadline = deadline();
    long max = export.transferBytesMax();
    try {
      for (long done = 0; done < range.length(); done += max) {
        int piece = (int) Math.min(max, range.length() - done);
        writePiece(new Command.Write(address + done, piece, offset + done), deadline);
      }
    } finally {
      Reference.reachabilityFence(from);
    }
  }

  private void writePiece(Command.Write write, long deadline) throws IOException {
    long generation;
    do {
      generation = durability.generation();
      run(write, deadline);
    } while (!durability.written(generation));
  }

  @Override
  public void flush() throws IOException {
    refuseWhenClosed();
    flushes.flush(
        () -> {
          durability.flushBegins();
          try {
            flushAll(deadline());
          } catch (IOException e) {
            durability.flushFailed();
            throw e;
          }
          if (!durability.flushed()) {
            throw new LostWritesException(name());
          }
        });
  }

  @Override
  public long epoch() {
    return durability.epoch();
  }

  @Override
  public boolean discard(long offset, long length) throws IOException {
    BlockRange range = new BlockRange(offset, length).within(this);
    long max = export.discardBytesMax();
    if (max == 0) {
      return false;
    }
    for (long at = offset; at < range.end(); at += max) {
      run(new Command.Discard(at, Math.min(max, range.end() - at)), deadline());
    }
    return true;
  }

  @Override
  public void close() {
    closed = true;
    connections.close();
  }

  private void refuseWhenClosed() throws IOException {
    if (closed) {
      throw new IOException(name() + " is closed");
    }
  }

  private void run(Command command, long deadline) throws IOException {
    repeat(deadline, () -> runOn(connections.next(deadline), command, deadline));
  }

  /**
   * Flushes on every connection that carried writes, and at least on one. One flush would cover all
   * of them; but only an answer on a connection proves that the server which acknowledged its
   * writes is still the same.
   */
  private void flushAll(long deadline) throws IOException {
    repeat(
        deadline,
        () -> {
          List<Connection> all = connections.all(deadline);
          boolean flushed = false;
          for (Connection connection : all) {
            if (connection.written()) {
              runOn(connection, new Command.Flush(), deadline);
              flushed = true;
            }
          }
          if (!flushed) {
            runOn(all.get(0), new Command.Flush(), deadline);
          }
        });
  }

  private void runOn(Connection connection, Command command, long deadline) throws IOException {
    try {
      connection.run(command, deadline);
    } catch (ConnectionLostException e) {
      connections.lost(connection, String.valueOf(e.getMessage()));
      throw e;
    }
  }

  /** Something that may be repeated. */
  @FunctionalInterface
  private interface Attempt {
    void run() throws IOException;
  }

  /** Repeats an attempt until it was carried out, refused, or the deadline has passed. */
  private void repeat(long deadline, Attempt attempt) throws IOException {
    if (!TimedLock.acquire(renewal.readLock(), deadline)) {
      throw timeout("its size is being looked at");
    }
    try {
      long pause = 0;
      while (true) {
        String reason;
        try {
          attempt.run();
          return;
        } catch (ConnectionLostException | ServerBusyException e) {
          reason = String.valueOf(e.getMessage());
        }
        long left = deadline - System.nanoTime();
        if (left <= 0) {
          throw timeout(reason);
        }
        // A first repetition goes at once.
        LockSupport.parkNanos(Math.min(pause, left));
        pause = Math.min(Math.max(pause * 2, PAUSE_NANOS_MIN), PAUSE_NANOS_MAX);
      }
    } finally {
      renewal.readLock().unlock();
    }
  }

  private DeviceTimeoutException timeout(String reason) {
    return new DeviceTimeoutException(
        name()
            + " did not answer within "
            + TimeUnit.NANOSECONDS.toSeconds(timeoutNanos)
            + " s: "
            + reason
            + ". "
            + connector.remedy());
  }
}

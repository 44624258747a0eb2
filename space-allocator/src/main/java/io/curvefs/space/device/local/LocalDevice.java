package io.curvefs.space.device.local;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.BlockRange;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.flush.Durability;
import io.curvefs.space.device.flush.FlushTurns;
import io.curvefs.space.device.posix.Errno;
import io.curvefs.space.device.posix.LibC;
import io.curvefs.space.device.posix.NativeMemory;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A plain file or a block device of this host, by system calls.
 *
 * <p>A block device is read and written past the page cache (O_DIRECT): several hosts that share a
 * volume would otherwise each see what they happened to have in memory. A plain file goes through
 * the page cache, which all processes of the host share; that is for one host. A file on a file
 * system that several hosts share (NFS, say) must be opened with {@link Caching#DIRECT}.
 */
public final class LocalDevice implements BlockDevice {
  private static final Logger LOG = LoggerFactory.getLogger(LocalDevice.class);
  private static final LibC LIBC = LibC.INSTANCE;

  /** A discard asks for at most this much at once, so that each piece is soon done. */
  private static final long DISCARD_BYTES_MAX = 1L << 30;

  /** Pieces of a stream: shorter ones are perhaps overwritten before the kernel gets to them. */
  private static final int WRITEBACK_BYTES_MIN = 1 << 20;

  /** Whether the kernel may answer from its memory. */
  public enum Caching {
    /** Through the page cache. */
    PAGES,
    /** O_DIRECT: what is read was read from the device. */
    DIRECT
  }

  private final String name;
  private final LocalKind kind;
  private final int descriptor;
  private final Transfers transfers;
  private final boolean cached;
  private final Lanes lanes;
  private final Durability durability = new Durability();
  private final FlushTurns flushes = new FlushTurns();
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile boolean discards = true;
  private volatile long size;

  private LocalDevice(
      String name, LocalKind kind, int descriptor, Caching caching, DeviceOptions options)
      throws IOException {
    this.name = name;
    this.kind = kind;
    this.descriptor = descriptor;
    this.cached = caching == Caching.PAGES;
    this.transfers = new Transfers(name, descriptor, !cached);
    this.lanes = new Lanes(name, options.timeout());
    this.size = endOf(descriptor);
  }

  /**
   * Opens a plain file that exists.
   *
   * @param name of the device in messages
   */
  public static LocalDevice file(String name, Path path, Caching caching, DeviceOptions options)
      throws IOException {
    return open(name, path, LocalKind.FILE, caching, options);
  }

  /**
   * Opens a block device.
   *
   * @param name of the device in messages
   */
  public static LocalDevice block(String name, Path path, DeviceOptions options)
      throws IOException {
    return open(name, path, LocalKind.BLOCK, Caching.DIRECT, options);
  }

  private static LocalDevice open(
      String name, Path path, LocalKind kind, Caching caching, DeviceOptions options)
      throws IOException {
    int descriptor = kind.open(name, path, caching == Caching.DIRECT);
    try {
      return new LocalDevice(name, kind, descriptor, caching, options);
    } catch (IOException | RuntimeException e) {
      LIBC.close(descriptor);
      throw e;
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public long refreshSize() throws IOException {
    size = run("finding the size", () -> endOf(descriptor));
    return size;
  }

  private long endOf(int of) throws IOException {
    long end = LIBC.lseek(of, 0, LibC.SEEK_END);
    if (end < 0) {
      throw new IOException(name + ": finding the size: " + Errno.text(Errno.last()));
    }
    return end - end % BLOCK_BYTES;
  }

  @Override
  public void read(ByteBuffer into, long offset) throws IOException {
    BlockRange range = BlockRange.of(into, offset).within(this);
    long address = NativeMemory.address(into);
    try {
      long found = readCached(address, range);
      if (found < range.length()) {
        run(
            "a read",
            () -> {
              transfers.read(address + found, range.length() - found, offset + found);
              return into; // the thread may outlast this call
            });
      }
    } finally {
      Reference.reachabilityFence(into);
    }
  }

  /** In this thread: it does not wait. */
  private long readCached(long address, BlockRange range) {
    if (!cached || !lanes.tryEnter()) {
      return 0;
    }
    try {
      return transfers.readCached(address, range.length(), range.offset());
    } finally {
      lanes.leave();
    }
  }

  @Override
  public void write(ByteBuffer from, long offset) throws IOException {
    BlockRange range = BlockRange.of(from, offset).within(this);
    long address = NativeMemory.address(from);
    do {
      long generation = durability.generation();
      run(
          "a write",
          () -> {
            transfers.write(address, range.length(), offset);
            if (cached && range.length() >= WRITEBACK_BYTES_MIN) {
              transfers.beginWriteback(offset, range.length());
            }
            return from; // the thread may outlast this call
          });
      if (durability.written(generation)) {
        return;
      }
    } while (true);
  }

  @Override
  public void flush() throws IOException {
    refuseWhenClosed();
    flushes.flush(
        () -> {
          durability.flushBegins();
          try {
            run("a flush", this::sync);
          } catch (IOException e) {
            // The kernel counts the pages as clean from now on.
            durability.flushFailed();
            throw e;
          }
          durability.flushed();
        });
  }

  private Boolean sync() throws IOException {
    while (LIBC.fdatasync(descriptor) != 0) {
      int errno = Errno.last();
      if (errno != Errno.EINTR) {
        throw new IOException(name + ": flushing: " + Errno.text(errno));
      }
    }
    return true;
  }

  @Override
  public long epoch() {
    return durability.epoch();
  }

  @Override
  public boolean discard(long offset, long length) throws IOException {
    BlockRange range = new BlockRange(offset, length).within(this);
    for (long at = offset; at < range.end() && discards; at += DISCARD_BYTES_MAX) {
      long from = at;
      long piece = Math.min(DISCARD_BYTES_MAX, range.end() - at);
      discards = run("a discard", () -> kind.discard(name, descriptor, from, piece));
    }
    return discards;
  }

  private <T> T run(String what, Lanes.Call<T> call) throws IOException {
    refuseWhenClosed();
    return lanes.run(what, call);
  }

  private void refuseWhenClosed() throws IOException {
    if (closed.get()) {
      throw new IOException(name + " is closed");
    }
  }

  /** Waits for operations under way, at most for their bound. */
  @Override
  public void close() {
    if (closed.getAndSet(true)) {
      return;
    }
    if (lanes.end()) {
      LIBC.close(descriptor);
    } else {
      // Its number must not go to another file while a system call may still use it.
      LOG.warn("{} stays open: operations on it do not end", name);
    }
  }
}

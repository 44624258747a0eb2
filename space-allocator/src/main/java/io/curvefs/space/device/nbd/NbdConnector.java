package io.curvefs.space.device.nbd;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.posix.LibC;
import io.curvefs.space.device.posix.Poller;
import io.curvefs.space.device.remote.ConnectionLostException;
import io.curvefs.space.device.remote.Connector;
import io.curvefs.space.device.remote.Export;
import io.curvefs.space.device.remote.ExportRefusedException;
import io.curvefs.space.device.remote.Wire;
import java.io.IOException;

/** Connects to an NBD export, and refuses what cannot be a volume. */
public final class NbdConnector implements Connector {
  /** More at once would keep other commands of the connection waiting. */
  private static final long TRANSFER_BYTES_MAX = 4 << 20;

  /** Servers must take trims of almost 4 GiB; this much is soon done. */
  private static final long DISCARD_BYTES_MAX = 1L << 30;

  private final String name;
  private final NbdAddress address;
  private final NbdLibrary library;
  private final LibNbd functions;

  /**
   * @param name of the device in messages
   * @throws IOException when libnbd is not installed
   */
  public NbdConnector(String name, NbdAddress address) throws IOException {
    this.name = name;
    this.address = address;
    this.library = NbdLibrary.load(name);
    this.functions = library.functions();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String remedy() {
    return "Look whether the NBD server runs, offers this export, and can be reached from here"
        + " (nbdinfo '"
        + name
        + "').";
  }

  @Override
  public Wire connect(long deadlineNanos) throws IOException {
    long handle = functions.nbd_create();
    if (handle == 0) {
      throw new IOException(library.error());
    }
    try {
      begin(handle);
      shakeHands(handle, deadlineNanos);
      return new NbdWire(library, handle, export(handle));
    } catch (IOException | RuntimeException e) {
      functions.nbd_close(handle);
      throw e;
    }
  }

  private void begin(long handle) throws IOException {
    check(functions.nbd_set_export_name(handle, address.export()));
    // What fails is not read, so it need not be zero.
    check(functions.nbd_set_pread_initialize(handle, false));
    String socket = address.socket();
    check(
        socket == null
            ? functions.nbd_aio_connect_tcp(
                handle, address.host(), Integer.toString(address.port()))
            : functions.nbd_aio_connect_unix(handle, socket));
  }

  private void shakeHands(long handle, long deadlineNanos) throws IOException {
    try (Poller poller = new Poller()) {
      while (functions.nbd_aio_is_ready(handle) != 1) {
        if (functions.nbd_aio_is_dead(handle) == 1 || functions.nbd_aio_is_closed(handle) == 1) {
          throw new ConnectionLostException("the server ended the connection");
        }
        long left = deadlineNanos - System.nanoTime();
        if (left <= 0) {
          throw new IOException("the server does not answer");
        }
        int events = NbdWire.events(functions, handle);
        NbdWire.service(
            library, handle, poller.await(functions.nbd_aio_get_fd(handle), events, left));
      }
    }
  }

  private Export export(long handle) throws IOException {
    if (functions.nbd_is_read_only(handle) == 1) {
      throw new ExportRefusedException(
          name
              + " is a read-only export. Start its server without its read-only option (nbdkit: -r).");
    }
    if (functions.nbd_can_flush(handle) != 1) {
      throw new ExportRefusedException(
          name
              + " does not support flush, so nothing on it would ever be known to be durable."
              + " Turn flush on at the server (nbd-server: flush = true).");
    }
    long blockMin = functions.nbd_get_block_size(handle, LibNbd.SIZE_MINIMUM);
    if (blockMin > BlockDevice.BLOCK_BYTES) {
      throw new ExportRefusedException(
          name + " wants blocks of " + blockMin + " bytes, and a volume has blocks of 4096.");
    }
    long size = functions.nbd_get_size(handle);
    check(size);
    long transferMax = functions.nbd_get_block_size(handle, LibNbd.SIZE_MAXIMUM);
    if (transferMax <= 0 || transferMax > TRANSFER_BYTES_MAX) {
      transferMax = TRANSFER_BYTES_MAX;
    }
    return new Export(
        size - size % BlockDevice.BLOCK_BYTES,
        (int) (transferMax - transferMax % BlockDevice.BLOCK_BYTES),
        functions.nbd_can_trim(handle) == 1 ? DISCARD_BYTES_MAX : 0,
        functions.nbd_can_multi_conn(handle) == 1);
  }

  private void check(long result) throws IOException {
    if (result < 0) {
      throw new IOException(library.error());
    }
  }

  /** Bits of poll(2). */
  static int pollEvents(int direction) {
    return ((direction & LibNbd.DIRECTION_READ) != 0 ? LibC.POLLIN : 0)
        | ((direction & LibNbd.DIRECTION_WRITE) != 0 ? LibC.POLLOUT : 0);
  }
}

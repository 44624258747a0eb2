package io.curvefs.space.device.nbd;

import io.curvefs.space.device.posix.Errno;
import io.curvefs.space.device.posix.LibC;
import io.curvefs.space.device.remote.Command;
import io.curvefs.space.device.remote.ConnectionLostException;
import io.curvefs.space.device.remote.Export;
import io.curvefs.space.device.remote.Wire;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A connected handle of libnbd, which sends and receives only when told. */
final class NbdWire implements Wire {
  private static final int BROKEN = LibC.POLLERR | LibC.POLLHUP;

  private final NbdLibrary library;
  private final LibNbd functions;
  private final long handle;
  private final Export export;
  private int unanswered;

  /**
   * @param handle closed with the wire
   */
  NbdWire(NbdLibrary library, long handle, Export export) {
    this.library = library;
    this.functions = library.functions();
    this.handle = handle;
    this.export = export;
  }

  @Override
  public Export export() {
    return export;
  }

  @Override
  public int descriptor() {
    return functions.nbd_aio_get_fd(handle);
  }

  @Override
  public int events() {
    return events(functions, handle);
  }

  static int events(LibNbd functions, long handle) {
    return NbdConnector.pollEvents(functions.nbd_aio_get_direction(handle));
  }

  @Override
  public long submit(Command command) throws IOException {
    long id;
    if (command instanceof Command.Read read) {
      id = library.read(handle, read.address(), read.length(), read.offset());
    } else if (command instanceof Command.Write write) {
      id = library.write(handle, write.address(), write.length(), write.offset());
    } else if (command instanceof Command.Discard discard) {
      id = library.trim(handle, discard.length(), discard.offset());
    } else {
      id = library.flush(handle);
    }
    if (id < 0) {
      String error = library.error();
      throw dead() ? new ConnectionLostException(error) : new IOException(error);
    }
    unanswered++;
    return id;
  }

  @Override
  public void service(int ready) throws ConnectionLostException {
    service(library, handle, ready);
    if (dead()) {
      throw new ConnectionLostException("the server closed the connection");
    }
  }

  private boolean dead() {
    return functions.nbd_aio_is_dead(handle) == 1 || functions.nbd_aio_is_closed(handle) == 1;
  }

  /** Also moves a handshake on. */
  static void service(NbdLibrary library, long handle, int ready) throws ConnectionLostException {
    LibNbd functions = library.functions();
    boolean broken = (ready & BROKEN) != 0;
    int direction = functions.nbd_aio_get_direction(handle);
    int result = 0;
    if ((direction & LibNbd.DIRECTION_READ) != 0 && (broken || (ready & LibC.POLLIN) != 0)) {
      result = functions.nbd_aio_notify_read(handle);
    } else if ((direction & LibNbd.DIRECTION_WRITE) != 0
        && (broken || (ready & LibC.POLLOUT) != 0)) {
      result = functions.nbd_aio_notify_write(handle);
    }
    if (result < 0) {
      throw new ConnectionLostException(library.error());
    }
  }

  @Override
  public @Nullable Completion next() {
    if (unanswered == 0) {
      return null;
    }
    long id = functions.nbd_aio_peek_command_completed(handle);
    if (id <= 0) {
      return null;
    }
    unanswered--;
    if (functions.nbd_aio_command_completed(handle, id) == 1) {
      return new Completion(id, null);
    }
    String error = library.error();
    return new Completion(
        id,
        functions.nbd_get_errno() == Errno.ESHUTDOWN
            ? new ConnectionLostException(error)
            : new IOException(error));
  }

  /** Says goodbye if that needs no waiting. */
  @Override
  public void close() {
    if (functions.nbd_aio_is_ready(handle) == 1) {
      functions.nbd_aio_disconnect(handle, 0);
    }
    functions.nbd_close(handle);
  }
}

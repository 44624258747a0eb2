package io.curvefs.space.device.remote;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * One connection to a server, as a protocol's library offers it. Nothing in it blocks, and it has
 * no threads: only {@link #service} moves bytes. Concurrent: no, {@link Connection} guards it.
 * After {@link ConnectionLostException} only {@link #close} may be called.
 */
public interface Wire {

  /**
   * A command that has ended.
   *
   * @param id what {@link #submit} returned
   * @param failure null when it succeeded; {@link ServerBusyException} when it should be repeated
   *     on the same connection, {@link ConnectionLostException} on another
   */
  record Completion(long id, @Nullable IOException failure) {}

  /** What the server said when the connection was made. */
  Export export();

  /** The socket. */
  int descriptor();

  /** POLLIN, POLLOUT: what the connection waits for. */
  int events();

  /**
   * Takes a command, and returns its number.
   *
   * @throws IOException when it can never be carried out
   */
  long submit(Command command) throws IOException;

  /** Moves what can be moved without waiting, given what poll(2) said of the socket. */
  void service(int ready) throws ConnectionLostException;

  /** The next command that has ended, or null. */
  @Nullable Completion next();

  /** Ends the connection. Memory of commands is not touched any more. */
  void close();
}

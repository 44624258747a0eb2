package io.curvefs.client.quickstart;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** TCP ports of this host's loopback address. */
public final class Ports {
  private static final int TRIES = 100;
  private static final int CONNECT_MILLIS_MAX = 1_000;

  private Ports() {}

  /**
   * The first of so many neighbouring ports that are free.
   *
   * @param preferred where to begin to look
   */
  public static int free(int preferred, int count) throws IOException {
    for (int port = preferred; port < preferred + TRIES * count; port += count) {
      if (areFree(port, count)) {
        return port;
      }
    }
    throw new IOException("no free port from " + preferred + " on");
  }

  static boolean areFree(int port, int count) {
    for (int i = 0; i < count; i++) {
      try (ServerSocket socket = new ServerSocket()) {
        socket.setReuseAddress(true); // what was closed a moment ago counts as free
        socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port + i));
      } catch (IOException e) {
        return false;
      }
    }
    return true;
  }

  /** Somebody listens there. */
  public static boolean answers(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(
          new InetSocketAddress(InetAddress.getLoopbackAddress(), port), CONNECT_MILLIS_MAX);
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}

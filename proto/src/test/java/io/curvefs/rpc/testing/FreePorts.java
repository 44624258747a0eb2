package io.curvefs.rpc.testing;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Ports of loopback for servers that a test starts, stops and starts again. They are below the
 * range from which Linux takes the ports of outgoing connections (32768 and above unless {@code
 * net.ipv4.ip_local_port_range} was changed), so none of those takes a port while its server is
 * down; and no port is given twice by a process. Thread-safe.
 */
public final class FreePorts {
  private static final int FIRST = 12_000;
  private static final int END = 32_000;
  private static int next = ThreadLocalRandom.current().nextInt(FIRST, END);

  private FreePorts() {}

  /** A port that nothing listens on. */
  public static int one() {
    return run(1);
  }

  /** The first of two ports in a row, for a server whose raft listens on the one behind its own. */
  public static int pair() {
    return run(2);
  }

  private static synchronized int run(int length) {
    for (int tried = FIRST; tried < END; tried++) {
      if (next + length > END) {
        next = FIRST;
      }
      int first = next;
      next += length;
      if (free(first) && free(first + length - 1)) {
        return first;
      }
    }
    throw new AssertionError("no free port from " + FIRST + " to " + END);
  }

  private static boolean free(int port) {
    try (ServerSocket probe = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
      return probe.isBound();
    } catch (IOException e) {
      return false;
    }
  }
}

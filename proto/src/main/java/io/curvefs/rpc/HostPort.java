package io.curvefs.rpc;

import java.net.InetSocketAddress;

/**
 * A TCP address as people write it.
 *
 * @param host name or numeric address
 * @param port 1..65535, or 0 to let the system choose when listening
 */
public record HostPort(String host, int port) {
  public HostPort {
    if (host.isEmpty() || port < 0 || port > 65535) {
      throw new IllegalArgumentException("not HOST:PORT: '" + host + ":" + port + "'");
    }
  }

  /** Parses {@code host:port}, also {@code [v6-address]:port}. */
  public static HostPort parse(String text) {
    int colon = text.lastIndexOf(':');
    try {
      String host = text.substring(0, Math.max(colon, 0));
      if (host.startsWith("[") && host.endsWith("]")) {
        host = host.substring(1, host.length() - 1);
      }
      return new HostPort(host, Integer.parseInt(text.substring(colon + 1)));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("not HOST:PORT: '" + text + "'", e);
    }
  }

  public InetSocketAddress resolve() {
    return new InetSocketAddress(host, port);
  }

  @Override
  public String toString() {
    return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
  }
}

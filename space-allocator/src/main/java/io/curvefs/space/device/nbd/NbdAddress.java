package io.curvefs.space.device.nbd;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Where an export is: {@code nbd://host[:port]/export} or {@code nbd+unix:///export?socket=/path}.
 *
 * @param host empty for a Unix socket
 * @param port 0 for a Unix socket
 * @param socket path of a Unix socket, or null
 * @param export may be empty: the server's default
 */
public record NbdAddress(String host, int port, @Nullable String socket, String export) {
  private static final int DEFAULT_PORT = 10809;
  private static final String SOCKET = "socket=";

  /**
   * Takes a URI apart.
   *
   * @throws IllegalArgumentException with what is missing
   */
  public static NbdAddress parse(URI uri) {
    String path = uri.getPath() == null ? "" : uri.getPath();
    String export = path.startsWith("/") ? path.substring(1) : path;
    if ("nbd+unix".equals(uri.getScheme())) {
      String query = uri.getRawQuery();
      if (query == null || !query.startsWith(SOCKET) || query.length() == SOCKET.length()) {
        throw new IllegalArgumentException(
            uri + " names no socket: nbd+unix:///export?socket=/path/of/socket");
      }
      String socket = decode(query.substring(SOCKET.length()));
      return new NbdAddress("", 0, socket, export);
    }
    String host = uri.getHost();
    if (host == null) {
      throw new IllegalArgumentException(uri + " names no host: nbd://host:10809/export");
    }
    // The library wants IPv6 addresses without their brackets.
    String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    int port = uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
    return new NbdAddress(bare, port, null, export);
  }

  private static String decode(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }
}

package io.curvefs.cache.memcached;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * Asks a server whether it is there, on a connection of its own: a server that hangs accepts
 * connections too, and xmemcached would log each attempt that fails.
 */
final class ServerProbe {
  private ServerProbe() {}

  /**
   * @throws IOException if nobody answers as memcached does, in time
   */
  static void check(MemcachedServer server, InetSocketAddress address, MemcachedOptions options)
      throws IOException {
    try (Socket socket = new Socket()) {
      socket.connect(address, (int) options.connectMax().toMillis());
      socket.setSoTimeout((int) options.silenceMax().toMillis());
      socket.getOutputStream().write("version\r\n".getBytes(StandardCharsets.US_ASCII));
      byte[] answer = socket.getInputStream().readNBytes("VERSION ".length());
      if (!new String(answer, StandardCharsets.ISO_8859_1).equals("VERSION ")) {
        throw new IOException("what answers is no memcached");
      }
    } catch (IOException e) {
      throw new ServerLostException(server, e);
    }
  }
}

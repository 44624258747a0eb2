package io.curvefs.space.device.testing;

import io.curvefs.rpc.testing.FreePorts;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** nbdkit or qemu-nbd, on a Unix socket or a port of loopback. */
public final class NbdServer implements AutoCloseable {
  private final ServerProcess process;
  private final String uri;

  private NbdServer(ServerProcess process, String uri) {
    this.process = process;
    this.uri = uri;
  }

  /**
   * nbdkit on a Unix socket.
   *
   * @param directory of the socket and the log
   * @param plugin and its parameters, such as {@code memory}, {@code 64M}; options may precede
   */
  public static NbdServer nbdkitOnSocket(Path directory, String... plugin) throws IOException {
    Path socket = directory.resolve("nbdkit.socket");
    List<String> command =
        new ArrayList<>(List.of("nbdkit", "-f", "--exit-with-parent", "-U", socket.toString()));
    command.addAll(List.of(plugin));
    return onSocket(directory, socket, command, "nbd+unix:///?socket=" + socket);
  }

  /** nbdkit on a port. */
  public static NbdServer nbdkitOnPort(Path directory, String... plugin) throws IOException {
    int port = FreePorts.one();
    List<String> command =
        new ArrayList<>(
            List.of("nbdkit", "-f", "--exit-with-parent", "-i", "127.0.0.1", "-p", "" + port));
    command.addAll(List.of(plugin));
    ServerProcess process =
        new ServerProcess(command, directory.resolve("nbdkit.log"), () -> accepts(port));
    return new NbdServer(process, "nbd://127.0.0.1:" + port + "/");
  }

  /** qemu-nbd with one raw image and one connection, on a Unix socket, with an export's name. */
  public static NbdServer qemuNbd(Path directory, Path image) throws IOException {
    Path socket = directory.resolve("qemu.socket");
    List<String> command =
        List.of(
            "qemu-nbd",
            "--persistent",
            "--format=raw",
            "--discard=unmap",
            "--export-name=volume one",
            "--socket=" + socket,
            image.toString());
    return onSocket(directory, socket, command, "nbd+unix:///volume%20one?socket=" + socket);
  }

  private static NbdServer onSocket(Path directory, Path socket, List<String> command, String uri)
      throws IOException {
    List<String> cleaned = new ArrayList<>(List.of("sh", "-c", "rm -f \"$0\"; exec \"$@\""));
    cleaned.add(socket.toString());
    cleaned.addAll(command);
    ServerProcess process =
        new ServerProcess(cleaned, directory.resolve("nbd.log"), () -> accepts(socket));
    return new NbdServer(process, uri);
  }

  private static boolean accepts(int port) {
    try (Socket probe = new Socket()) {
      probe.connect(new InetSocketAddress("127.0.0.1", port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** qemu-nbd admits one connection, so a probe must not be one: it would have to end first. */
  private static boolean accepts(Path socket) {
    if (!Files.exists(socket)) {
      return false;
    }
    try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      return probe.connect(UnixDomainSocketAddress.of(socket));
    } catch (IOException e) {
      return false;
    }
  }

  public String uri() {
    return uri;
  }

  public ServerProcess process() {
    return process;
  }

  @Override
  public void close() {
    process.close();
  }
}

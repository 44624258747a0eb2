package io.curvefs.space.device.testing;

import io.curvefs.rpc.testing.FreePorts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** tgtd with one target and one logical unit over a file, apart from any other tgtd. */
public final class TgtServer implements AutoCloseable {
  private static final String TARGET = "iqn.2026-01.test:volume";

  private final int port = FreePorts.one();

  /** Also names its control socket: {@code /var/run/tgtd/socket.NUMBER}. */
  private final String control =
      Integer.toString(ThreadLocalRandom.current().nextInt(1_000, 30_000));

  private final Path image;
  private final ServerProcess process;

  /**
   * @param directory of the log
   * @param image of the logical unit
   */
  public TgtServer(Path directory, Path image) throws IOException {
    this.image = image;
    List<String> command =
        List.of("tgtd", "-f", "-C", control, "--iscsi", "portal=127.0.0.1:" + port);
    process = new ServerProcess(command, directory.resolve("tgt.log"), this::answers);
    configure();
  }

  private boolean answers() {
    try {
      admin("--mode", "sys", "--op", "show");
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private void configure() throws IOException {
    admin("--mode", "target", "--op", "new", "--tid", "1", "-T", TARGET);
    admin("--mode", "logicalunit", "--op", "new", "--tid", "1", "--lun", "1", "-b", "" + image);
    unit("thin_provisioning=1");
    admin("--mode", "target", "--op", "bind", "--tid", "1", "-I", "ALL");
  }

  /** Changes parameters of the logical unit. */
  public void unit(String parameters) throws IOException {
    admin(
        "--mode",
        "logicalunit",
        "--op",
        "update",
        "--tid",
        "1",
        "--lun",
        "1",
        "--params",
        parameters);
  }

  /** Demands a user and a password. */
  public void demandUser(String user, String password) throws IOException {
    admin("--mode", "account", "--op", "new", "--user", user, "--password", password);
    admin("--mode", "account", "--op", "bind", "--tid", "1", "--user", user);
  }

  /** Makes the file's new size that of the logical unit. */
  public void recreateUnit() throws IOException {
    admin("--mode", "logicalunit", "--op", "delete", "--tid", "1", "--lun", "1");
    admin("--mode", "logicalunit", "--op", "new", "--tid", "1", "--lun", "1", "-b", "" + image);
    unit("thin_provisioning=1");
  }

  private void admin(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("tgtadm", "-C", control, "--lld", "iscsi"));
    command.addAll(List.of(arguments));
    ServerProcess.run(command.toArray(String[]::new));
  }

  /** SIGKILL, and a new one with the same configuration. */
  public void restart() throws IOException {
    process.kill();
    process.start();
    configure();
  }

  /** Without a user. */
  public String uri() {
    return "iscsi://127.0.0.1:" + port + "/" + TARGET + "/1";
  }

  public ServerProcess process() {
    return process;
  }

  /** Kills it, and removes what it leaves. */
  @Override
  public void close() {
    process.kill();
    try {
      Files.deleteIfExists(Path.of("/var/run/tgtd/socket." + control));
      Files.deleteIfExists(Path.of("/var/run/tgtd/socket." + control + ".lock"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

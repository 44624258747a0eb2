package io.curvefs.space.device.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A block device over a file. Needs root. */
public final class LoopDevice implements AutoCloseable {
  private final String device;
  private boolean attached = true;

  private LoopDevice(String device) {
    this.device = device;
    Runtime.getRuntime().addShutdownHook(new Thread(this::detach));
  }

  /** Skips the test where the kernel has no loop devices. */
  public static LoopDevice over(Path image) throws IOException {
    assumeTrue(Files.exists(Path.of("/dev/loop-control")), "no loop devices here");
    return new LoopDevice(
        ServerProcess.run("losetup", "--find", "--show", "--direct-io=on", image.toString()));
  }

  public Path path() {
    return Path.of(device);
  }

  public String uri() {
    return "block://" + device;
  }

  /** Takes over the file's new size. */
  public void refresh() throws IOException {
    ServerProcess.run("losetup", "--set-capacity", device);
  }

  private synchronized void detach() {
    if (attached) {
      attached = false;
      try {
        ServerProcess.run("losetup", "--detach", device);
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }
  }

  @Override
  public void close() {
    detach();
  }
}

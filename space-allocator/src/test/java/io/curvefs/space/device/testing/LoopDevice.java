package io.curvefs.space.device.testing;

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

  /** Attaches a file. Where the kernel has no loop devices the test fails, and says so. */
  public static LoopDevice over(Path image) throws IOException {
    if (!Files.exists(Path.of("/dev/loop-control"))) {
      throw new IOException(
          "/dev/loop-control is missing: load the loop module (modprobe loop), or give the container"
              + " the device");
    }
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

package io.curvefs.client.bench;

import io.curvefs.client.mount.MountHandle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a mount's process counts and what it costs; see proc(5). */
public final class MountProbe {
  /** Fields of /proc/PID/stat behind the command's closing parenthesis. */
  private static final int USER_TICKS = 11;

  private static final int SYSTEM_TICKS = 12;

  private final MountHandle mount;
  private final long pid;
  private final double ticksPerSecond = LibC.INSTANCE.sysconf(LibC.CLOCK_TICKS);

  public MountProbe(MountHandle mount) throws IOException {
    this.mount = mount;
    this.pid = mount.pid();
  }

  /**
   * A moment, or what lies between two.
   *
   * @param requests to others
   * @param cpuSeconds of the mount's process
   */
  public record Reading(Requests requests, double cpuSeconds) {
    public static final Reading NONE = new Reading(Requests.NONE, 0);

    /** What came after an earlier moment. */
    public Reading since(Reading before) {
      return new Reading(requests.since(before.requests), cpuSeconds - before.cpuSeconds);
    }

    Reading plus(Reading other) {
      return new Reading(requests.plus(other.requests), cpuSeconds + other.cpuSeconds);
    }

    Reading dividedBy(int parts) {
      return new Reading(requests.dividedBy(parts), cpuSeconds / parts);
    }
  }

  public Reading read() throws IOException {
    return new Reading(Requests.of(mount.statistics()), cpuSeconds());
  }

  long pid() {
    return pid;
  }

  private double cpuSeconds() throws IOException {
    String line = Files.readString(proc("stat"));
    String[] fields = line.substring(line.lastIndexOf(')') + 2).split(" ");
    return (Long.parseLong(fields[USER_TICKS]) + Long.parseLong(fields[SYSTEM_TICKS]))
        / ticksPerSecond;
  }

  /** The most memory that the process ever had resident. */
  long residentBytesPeak() throws IOException {
    for (String line : Files.readAllLines(proc("status"))) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
      }
    }
    throw new IOException("/proc/" + pid + "/status tells no VmHWM");
  }

  private Path proc(String file) throws IOException {
    Path path = Path.of("/proc", Long.toString(pid), file);
    if (!Files.exists(path)) {
      throw new IOException(
          "process " + pid + " of the mount at " + mount.root() + " is not to be seen from here");
    }
    return path;
  }
}

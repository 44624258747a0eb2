package io.curvefs.metrics;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.UnixOperatingSystemMXBean;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this process costs the machine it runs on; see proc(5). */
public final class ProcessMeters {
  private static final Path STATM = Path.of("/proc/self/statm");
  private static final long PAGE_BYTES = 4096;

  private ProcessMeters() {}

  /** Adds the meters of this process to a registry. */
  public static void register(MeterRegistry registry) {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
    FunctionCounter.builder(
            "process.cpu.seconds", system, bean -> Math.max(0, bean.getProcessCpuTime()) / 1e9)
        .register(registry);
    double started = ManagementFactory.getRuntimeMXBean().getStartTime() / 1e3;
    Gauge.builder("process.start.time.seconds", () -> started).register(registry);
    Gauge.builder("process.resident.memory.bytes", ProcessMeters::residentBytes).register(registry);
    Gauge.builder("process.heap.bytes", memory, bean -> bean.getHeapMemoryUsage().getUsed())
        .register(registry);
    Gauge.builder("process.open.fds", system, ProcessMeters::openFiles).register(registry);
  }

  /** Not a number where there is no /proc. */
  private static double residentBytes() {
    try {
      return Long.parseLong(Files.readString(STATM).split(" ")[1]) * PAGE_BYTES;
    } catch (IOException e) {
      return Double.NaN;
    }
  }

  private static double openFiles(OperatingSystemMXBean system) {
    return system instanceof UnixOperatingSystemMXBean unix
        ? unix.getOpenFileDescriptorCount()
        : Double.NaN;
  }
}

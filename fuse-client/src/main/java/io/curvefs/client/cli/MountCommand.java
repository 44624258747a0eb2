package io.curvefs.client.cli;

import io.curvefs.client.mount.MountOptions;
import io.curvefs.client.mount.MountProcess;
import io.curvefs.client.mount.MountSpec;
import io.curvefs.fault.FaultPoint;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Mounts, and stays until the unmount. {@code bin/mount.curvefs} puts it into the background. */
@Command(
    name = "mount",
    description = "Mount a file system (also as mount.curvefs, 'mount -t curvefs' and in fstab).",
    mixinStandardHelpOptions = true,
    footerHeading = "%nMount options (-o):%n",
    footer = {
      "  cache_dir=DIR[:DIR...]  disk cache (root: /var/cache/curvefs, else ~/.cache/curvefs)",
      "  cache_size=SIZE         its limit, all directories together (10G); 0: no disk cache",
      "  cache_files=N           most blocks in it, all directories together (1000000)",
      "  cache_free=N%%|SIZE     part of each cache disk that stays free (10%%)",
      "  cache_populate=all|read keep on disk what is read and written, or only what is read (all)",
      "  memory_cache=SIZE       blocks kept in memory (96M)",
      "  write_buffer=SIZE       bytes written but not yet in the object store (96M)",
      "  writeback               close and fsync return when a local journal has the bytes (off)",
      "  writeback_dir=DIR       the journal (cache_dir/writeback)",
      "  writeback_size=SIZE     its limit; beyond it, writes wait for the object store (4G)",
      "  writeback_deadline=SECONDS  age of its oldest bytes that holds writers up (30)",
      "  read_ahead=SIZE         how far sequential reads are run ahead of (32M); 0 turns it off,",
      "                          for small files read in order as well",
      "  ro                      read-only",
      "  subdir=/PATH            show this directory as the root",
      "  nomemcached             do not use the memcached cluster the file system is bound to",
      "  attr_timeout=SECONDS    how long attributes may be kept (1)",
      "  entry_timeout=SECONDS   how long names may be kept (1)",
      "  negative_timeout=SECONDS  how long the absence of a name may be kept (0)",
      "  open_cache=SECONDS      how long what is known of a file is enough to open it for reading; 0:",
      "                          each open asks, and sees what other mounts closed before (0)",
      "  no_open                 with ro: the kernel opens and closes files without asking; what others",
      "                          change is seen when attributes are asked for (attr_timeout)",
      "  meta_timeout=SECONDS    longest wait for the metaservers, then EIO (60)",
      "  s3_timeout=SECONDS      longest wait for the object store, then EIO (60)",
      "  threads=N               threads that answer the kernel (32)",
      "  [no]allow_other         whether other users may enter (root: yes, others: no)",
      "  metrics=HOST:PORT       serve http://HOST:PORT/metrics to Prometheus; port 0: any free one",
      "  access_log=FILE         a line for each request, for 'curvefs profile'; 300M, one old one",
      "  log_file=FILE           log (root: /var/log/curvefs/..., else ~/.cache/curvefs/log/...)",
      "  suid, nosuid, dev, nodev, exec, noexec, ... as in mount(8); nosuid,nodev by default"
    })
final class MountCommand implements Callable<Integer> {
  private static final Logger log = LoggerFactory.getLogger(MountCommand.class);

  @Parameters(index = "0", paramLabel = "HOST:PORT[,HOST:PORT...]/FSNAME")
  private String spec;

  @Parameters(index = "1", paramLabel = "DIR")
  private Path directory;

  @Option(
      names = "-o",
      paramLabel = "OPT[,OPT=VALUE...]",
      description = "Mount options, see below.")
  private List<String> options = new ArrayList<>();

  @Option(names = "-f", description = "Stay in the foreground, log to standard error.")
  private boolean foreground;

  @Option(names = "-r", description = "Same as -o ro.")
  private boolean readOnly;

  @Option(
      names = {"-w", "-n", "-s", "-v"},
      description = "As mount(8) hands on; no effect.")
  @SuppressWarnings("UnusedVariable")
  private boolean ignored;

  @Option(names = "-t", paramLabel = "TYPE", description = "As mount(8) hands on; no effect.")
  @SuppressWarnings("UnusedVariable")
  private String type;

  @Override
  public Integer call() throws Exception {
    FaultPoint.armed().ifPresent(where -> log.warn("this mount is to die at {}", where));
    if (readOnly) {
      options.add("ro");
    }
    MountOptions parsed =
        MountOptions.parse(
            String.join(",", options),
            System.getProperty("user.name").equals("root"),
            Path.of(System.getProperty("user.home")));
    MountProcess mount =
        MountProcess.start(
            MountSpec.parse(spec),
            directory,
            parsed,
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(mount), "stop"));
    // Whoever waits for the mount, waits for this line.
    System.out.println("mounted");
    if (!foreground) {
      System.out.close();
    }
    mount.serve();
    return 0;
  }

  private static void stop(MountProcess mount) {
    try {
      mount.stop();
    } catch (Exception e) { // the process ends all the same
      log.error("the mount could not be ended in order", e);
    }
  }
}

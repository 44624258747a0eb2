package io.curvefs.client.quickstart;

import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.mount.MountTable;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.CreateFsRequest;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.FileSystemStatus;
import io.curvefs.proto.ListFsRequest;
import io.curvefs.proto.ObjectStoreConfig;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.HostPort;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * An S3 store, a metaserver and a mount on this machine. Everything can be asked for again: what
 * runs is left as it is, what is missing is started.
 */
final class Cluster {
  private static final int S3_PORT_PREFERRED = 9000;
  private static final int META_PORT_PREFERRED = 6700;

  /** Clients' and raft's. */
  private static final int META_PORTS = 2;

  private static final Duration START_MAX = Duration.ofSeconds(60);
  private static final Duration COORDINATOR_MAX = Duration.ofSeconds(90);
  private static final Duration MOUNT_MAX = Duration.ofSeconds(90);
  private static final long POLL_MILLIS = 100;

  /** The store lets everybody in, but an S3 client must name somebody. */
  private static final String KEY = "quickstart";

  private final Layout layout;
  private final Settings settings;
  private final PrintStream out;

  private Cluster(Layout layout, Settings settings, PrintStream out) {
    this.layout = layout;
    this.settings = settings;
    this.out = out;
  }

  /** The cluster of a data directory, as an earlier run left it or a new one. */
  static Cluster of(Layout layout, PrintStream out) throws IOException {
    for (Path directory : List.of(layout.logs(), layout.run(), layout.cache())) {
      Files.createDirectories(directory);
    }
    Optional<Settings> remembered = Settings.remembered(layout.data());
    if (remembered.isEmpty()) {
      Settings chosen =
          new Settings(
              Ports.free(S3_PORT_PREFERRED, 1),
              Ports.free(META_PORT_PREFERRED, META_PORTS),
              layout.mount());
      chosen.remember(layout);
      return new Cluster(layout, chosen, out);
    }
    Settings known = remembered.get();
    if (!known.mount().equals(layout.mount())) {
      if (isMounted(known, known.mount())) {
        throw new IOException(
            "this quickstart is mounted at "
                + known.mount()
                + ": leave --mount away, or run 'curvefs stop --data "
                + layout.data()
                + "' first");
      }
      known = known.mountedAt(layout.mount());
      known.remember(layout);
    }
    return new Cluster(layout, known, out);
  }

  static Background s3(Layout layout, Settings settings) {
    return new Background(
        "S3 store",
        "s3",
        List.of(
            "s3",
            "--data",
            layout.s3().toString(),
            "--bucket",
            Settings.BUCKET,
            "--listen",
            "127.0.0.1:" + settings.s3Port()),
        layout);
  }

  static Background metaserver(Layout layout, Settings settings) {
    return new Background(
        "metaserver",
        "metaserver",
        List.of(
            "metaserver",
            "--id",
            "1",
            "--listen",
            "127.0.0.1:" + settings.metaPort(),
            "--data-dir",
            layout.metaserver().toString()),
        layout);
  }

  static Background mount(Layout layout, Settings settings) {
    return new Background(
        "mount", "mount", List.of("mount", settings.source(), layout.mount().toString()), layout);
  }

  static boolean isMounted(Settings settings, Path directory) throws IOException {
    return MountTable.at(directory)
        .filter(MountTable.Entry::isCurveFs)
        .filter(entry -> entry.source().equals(settings.source()))
        .isPresent();
  }

  void start(Home home, Coordinator coordinator) throws IOException {
    requireMountable();
    start(s3(layout, settings), settings.s3Port(), 1, home);
    start(metaserver(layout, settings), settings.metaPort(), META_PORTS, home);
    createFileSystem(coordinator);
    mount(home);
  }

  private void start(Background server, int port, int ports, Home home) throws IOException {
    Optional<ProcessHandle> running = server.running();
    if (running.isEmpty()) {
      if (!Ports.areFree(port, ports)) {
        throw new IOException(
            "port "
                + port
                + (ports > 1 ? " or " + (port + 1) : "")
                + " of the "
                + server.title()
                + " is taken by another process: end that, or delete "
                + layout.data()
                + " to start afresh on other ports");
      }
      server.start(home);
    }
    await(server, port);
    out.printf(
        "%-12s %s at 127.0.0.1:%d (process %d)%n",
        server.title(),
        running.isEmpty() ? "started" : "runs already",
        port,
        server.running().map(ProcessHandle::pid).orElse(0L));
  }

  private static void await(Background server, int port) throws IOException {
    Deadline deadline = Deadline.in(START_MAX);
    while (!Ports.answers(port)) {
      if (server.hasEnded()) {
        throw new IOException(
            "the "
                + server.title()
                + " did not start: "
                + server.lastWords()
                + " (see "
                + server.log()
                + ")");
      }
      if (deadline.hasPassed()) {
        throw new IOException(
            "the "
                + server.title()
                + " does not answer at port "
                + port
                + " after "
                + START_MAX.toSeconds()
                + " s: see "
                + server.log());
      }
      sleep();
    }
  }

  private static void sleep() throws IOException {
    try {
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private void createFileSystem(Coordinator coordinator) throws IOException {
    HostPort server = new HostPort("127.0.0.1", settings.metaPort());
    List<FileSystemStatus> all =
        coordinator
            .ask(
                server,
                CoordinateRequest.newBuilder().setListFs(ListFsRequest.getDefaultInstance()),
                COORDINATOR_MAX)
            .getFileSystemsList();
    for (FileSystemStatus status : all) {
      if (status.getFileSystem().getName().equals(Settings.FILE_SYSTEM)) {
        requireUsable(status.getFileSystem());
        out.printf("%-12s '%s' exists%n", "file system", Settings.FILE_SYSTEM);
        return;
      }
    }
    coordinator.ask(
        server,
        CoordinateRequest.newBuilder()
            .setCreateFs(
                CreateFsRequest.newBuilder()
                    .setName(Settings.FILE_SYSTEM)
                    .setUuid(UUID.randomUUID().toString())
                    .setObjectStore(
                        ObjectStoreConfig.newBuilder()
                            .setBucket(Settings.BUCKET)
                            .setEndpoint(settings.endpoint())
                            .setRegion("us-east-1")
                            .setAccessKey(KEY)
                            .setSecretKey(KEY))),
        COORDINATOR_MAX);
    out.printf("%-12s '%s' created%n", "file system", Settings.FILE_SYSTEM);
  }

  private void requireUsable(FileSystem fileSystem) throws IOException {
    if (fileSystem.getState() == FileSystem.State.DELETING) {
      throw new IOException(
          "file system '" + Settings.FILE_SYSTEM + "' is being deleted: try again in a while");
    }
    String endpoint = fileSystem.getObjectStore().getEndpoint();
    if (!endpoint.equals(settings.endpoint())) {
      throw new IOException(
          "file system '"
              + Settings.FILE_SYSTEM
              + "' keeps its data at "
              + endpoint
              + ", not at "
              + settings.endpoint()
              + ": delete "
              + layout.data()
              + " to start afresh");
    }
  }

  /** Asked before anything is started. */
  private void requireMountable() throws IOException {
    Path point = layout.mount();
    if (MountTable.at(point).isPresent()) {
      if (!isMounted(settings, point)) {
        throw new IOException(
            point + " is a mount point of something else: name another directory with --mount");
      }
      return;
    }
    Files.createDirectories(point);
    try (Stream<Path> entries = Files.list(point)) {
      if (entries.findAny().isPresent()) {
        throw new IOException(point + " is not empty: name another directory with --mount");
      }
    }
  }

  private void mount(Home home) throws IOException {
    if (isMounted(settings, layout.mount()) && isServed(layout.mount())) {
      announceMount("runs already");
      return;
    }
    // A mount that is there all the same is one of a dead process, which the new one replaces.
    runMount(home, layout.mount());
    announceMount("started");
  }

  private static boolean isServed(Path point) {
    try {
      MountHandle.containing(point).pid();
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private void announceMount(String what) throws IOException {
    long pid = MountHandle.containing(layout.mount()).pid();
    mount(layout, settings).remember(pid);
    out.printf("%-12s %s at %s (process %d)%n", "mount", what, layout.mount(), pid);
  }

  private void runMount(Home home, Path point) throws IOException {
    Path said = layout.run().resolve("mount.out");
    Process process =
        new ProcessBuilder(
                "setsid",
                "--wait",
                home.mountCurvefs(),
                settings.source(),
                point.toString(),
                "-o",
                "cache_dir=" + layout.cache() + ",log_file=" + layout.log("mount"))
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectErrorStream(true)
            .redirectOutput(said.toFile())
            .start();
    if (!hasEnded(process)) {
      process.destroy();
      throw new IOException(
          "mounting takes more than " + MOUNT_MAX.toSeconds() + " s: see " + layout.log("mount"));
    }
    if (process.exitValue() != 0) {
      String why = Files.readString(said).strip().replace('\n', ' ');
      throw new IOException("the mount did not start: " + why);
    }
  }

  /** The handle's end may be told before the process knows its exit status. */
  private static boolean hasEnded(Process process) throws IOException {
    try {
      return process.waitFor(MOUNT_MAX.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }
}

package io.curvefs.e2e.testing;

import io.curvefs.rpc.testing.FreePorts;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Metaservers and an S3 endpoint as processes of their own, on loopback. */
public final class Cluster implements AutoCloseable {
  public static final String BUCKET = "e2e-bucket";
  public static final String ACCESS_KEY = "e2e-access";
  public static final String SECRET_KEY = "e2e-secret-5d41402abc4b";

  /** Of a volume for a suite; nothing of it is on the disk but what is written. */
  private static final long VOLUME_BYTES = 16L << 30;

  private static final String QUARANTINE = "--quarantine";

  /** A transfer may take a quarter of it: enough for a busy machine. */
  private static final int QUARANTINE_SECONDS = 20;

  private final Path directory;
  private final List<Integer> ports;
  private final int s3Port;
  private final Map<Integer, Daemon> metaservers = new TreeMap<>();
  private final List<Mount> mounts = new ArrayList<>();
  private Daemon s3;

  /**
   * @param count metaservers, 1 or 3
   */
  public Cluster(int count) {
    requireFuse();
    try {
      directory = Files.createTempDirectory("curvefs-e2e");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    ports = IntStream.range(0, count).mapToObj(i -> FreePorts.pair()).toList();
    s3Port = FreePorts.pair();
    startS3();
    IntStream.rangeClosed(1, count).forEach(this::startMetaserver);
    Runtime.getRuntime().addShutdownHook(new Thread(this::close));
  }

  /** A machine on which nothing could be mounted must not pass for one on which all is well. */
  private static void requireFuse() {
    if (!Files.exists(Path.of("/dev/fuse"))) {
      throw new AssertionError(
          "/dev/fuse is missing: the end-to-end tests need FUSE (load the fuse module, or give the"
              + " container the device)");
    }
    if (Shell.run("bash", "-c", "ldconfig -p | grep -q libfuse.so.2").exit() != 0) {
      throw new AssertionError("libfuse 2 is missing: run bin/install-packages test");
    }
  }

  public Path directory() {
    return directory;
  }

  public void startS3() {
    s3 =
        Daemon.start(
            directory.resolve("s3.log"),
            "serving S3",
            List.of(
                "s3",
                "--data",
                directory.resolve("s3"),
                "--bucket",
                BUCKET,
                "--access-key",
                ACCESS_KEY,
                "--secret-key",
                SECRET_KEY,
                "--listen",
                "127.0.0.1:" + s3Port));
  }

  public Daemon s3() {
    return s3;
  }

  public String endpoint() {
    return "http://127.0.0.1:" + s3Port;
  }

  public void startMetaserver(int id) {
    String peers =
        IntStream.rangeClosed(1, ports.size())
            .mapToObj(peer -> peer + "=127.0.0.1:" + ports.get(peer - 1))
            .collect(Collectors.joining(","));
    metaservers.put(
        id,
        Daemon.start(
            directory.resolve("metaserver-" + id + ".log"),
            "metaserver " + id,
            List.of(
                "metaserver",
                "--id",
                id,
                "--listen",
                "127.0.0.1:" + ports.get(id - 1),
                "--data-dir",
                dataDirectory(id),
                "--peers",
                peers,
                "--election-millis",
                1500,
                "--metrics",
                "127.0.0.1:0")));
  }

  /** Where a metaserver's metrics are to be read, as it says itself. */
  public URI metrics(int id) {
    String said = "metrics are at ";
    return metaserver(id)
        .log()
        .lines()
        .filter(line -> line.startsWith(said))
        .map(line -> URI.create(line.substring(said.length())))
        .findFirst()
        .orElseThrow();
  }

  public Path dataDirectory(int id) {
    return directory.resolve("metaserver-" + id);
  }

  public Daemon metaserver(int id) {
    return metaservers.get(id);
  }

  /** Addresses of all metaservers, separated by commas. */
  public String addresses() {
    return ports.stream().map(port -> "127.0.0.1:" + port).collect(Collectors.joining(","));
  }

  public String address(int id) {
    return "127.0.0.1:" + ports.get(id - 1);
  }

  public Shell.Result fs(Object... arguments) {
    return command("fs", arguments);
  }

  public Shell.Result cacheCluster(Object... arguments) {
    return command("cachecluster", arguments);
  }

  public Shell.Result volume(Object... arguments) {
    return command("volume", arguments);
  }

  public Shell.Result fsck(Object... arguments) {
    return command("fsck", arguments);
  }

  /** How the volumes of a file system are used, as the command says. */
  public SpaceUsage usage(String fileSystem) {
    return SpaceUsage.parse(volume("usage", fileSystem, "--json").ok().out());
  }

  private Shell.Result command(String name, Object... arguments) {
    List<Object> command = new ArrayList<>(List.of(Checkout.CURVEFS, name, arguments[0]));
    command.addAll(List.of("--meta", addresses()));
    command.addAll(List.of(arguments).subList(1, arguments.length));
    return Shell.run(command.toArray());
  }

  /**
   * Where they were chosen to be.
   *
   * @param more options of the command
   */
  public void createFileSystem(String name, String... more) {
    createFileSystem(Storage.CHOSEN, name, more);
  }

  /**
   * @param more options of the command
   */
  public void createFileSystem(Storage storage, String name, String... more) {
    switch (storage) {
      case BUCKET -> createOnBucket(name, more);
      case VOLUME -> createOnVolume(name, newVolume("volume-" + name, VOLUME_BYTES), more);
    }
  }

  private void createOnBucket(String name, String... more) {
    List<Object> arguments =
        new ArrayList<>(
            List.of(
                "create",
                name,
                "--bucket",
                BUCKET,
                "--endpoint",
                endpoint(),
                "--access-key",
                ACCESS_KEY,
                "--secret-key",
                SECRET_KEY));
    arguments.addAll(List.of(more));
    fs(arguments.toArray()).ok();
  }

  /** A sparse file that can be a volume; an existing one gets that length. */
  public Path newVolume(String name, long bytes) {
    Path file = directory.resolve(name);
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file;
  }

  /**
   * @param volume a plain file
   * @param more options of the command
   */
  public void createOnVolume(String name, Path volume, String... more) {
    createOnVolumes(name, uri(volume), more);
  }

  /**
   * @param volumes URIs, separated by commas
   * @param more options of the command
   */
  public void createOnVolumes(String name, String volumes, String... more) {
    List<Object> arguments = new ArrayList<>(List.of("create", name, "--volume", volumes));
    if (!List.of(more).contains(QUARANTINE)) {
      arguments.addAll(List.of(QUARANTINE, QUARANTINE_SECONDS));
    }
    arguments.addAll(List.of(more));
    fs(arguments.toArray()).ok();
  }

  public static String uri(Path volume) {
    return "file://" + volume;
  }

  /** Mounts a file system in a new directory. */
  public Mount mount(String fileSystem, String... options) {
    Mount mount = unmounted(fileSystem, options);
    mount.mount();
    return mount;
  }

  /** A mount of a file system in a new directory, not mounted yet. */
  public Mount unmounted(String fileSystem, String... options) {
    Mount mount = new Mount(this, fileSystem, mounts.size(), List.of(options));
    mounts.add(mount);
    return mount;
  }

  /** Objects of the bucket, by path in the endpoint's directory. Some may go meanwhile. */
  public List<Path> objects() {
    List<Path> found = new ArrayList<>();
    try {
      Files.walkFileTree(
          directory.resolve("s3").resolve(BUCKET),
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              found.add(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException why) throws IOException {
              if (why instanceof NoSuchFileException) {
                return FileVisitResult.CONTINUE;
              }
              throw why;
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return found;
  }

  @Override
  public void close() {
    mounts.forEach(Mount::forget);
    metaservers.values().forEach(Daemon::kill);
    s3.kill();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package io.curvefs.client.epochs;

import io.curvefs.client.quickstart.AbandonedMount;
import io.curvefs.client.quickstart.Children;
import io.curvefs.client.quickstart.Home;
import io.curvefs.client.quickstart.OwnDirectory;
import io.curvefs.client.quickstart.Ports;
import io.curvefs.objectstore.S3Credentials;
import io.curvefs.objectstore.S3Location;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Everything a CurveFS needs, on this machine: a slow S3 store, a metaserver, memcached servers, a
 * file system that is bound to them. It ends with its owner. One caller at a time; {@link #close}
 * from any thread.
 */
final class Installation implements AutoCloseable {
  private static final Duration COMMAND_MAX = Duration.ofMinutes(60);

  private static final int FLUSH_MILLIS_MAX = 10_000;
  private static final String BUCKET = "epochs";
  private static final String FILE_SYSTEM = "epochs";
  private static final String CLUSTER = "epochs";

  /** The store lets everybody in, but an S3 client must name somebody. */
  private static final String KEY = "epochs";

  private static final int MEMCACHED_SERVERS = 2;
  private static final int S3_PORT_PREFERRED = 19_000;
  private static final int META_PORT_PREFERRED = 16_700;

  /** Clients' and raft's. */
  private static final int META_PORTS = 2;

  private static final int MEMCACHED_PORT_PREFERRED = 21_211;

  /** What a memcached server needs beside the values. */
  private static final double MEMCACHED_SPARE = 1.5;

  private static final int MEMCACHED_MIB_MIN = 128;

  private final EpochsOptions options;
  private final Home home;
  private final Children children;
  private final OwnDirectory directory;
  private final List<Path> mounted = new ArrayList<>();
  private final int s3Port;
  private final int metaPort;
  private final List<Integer> memcachedPorts = new ArrayList<>();

  /**
   * Prepares the directory; {@link #start} does the rest.
   *
   * @throws IOException if it cannot be used or is not empty; nothing is left then
   */
  Installation(EpochsOptions options, Home home) throws IOException {
    this.options = options;
    this.home = home;
    s3Port = Ports.free(S3_PORT_PREFERRED, 1);
    metaPort = Ports.free(META_PORT_PREFERRED, META_PORTS);
    directory = new OwnDirectory(options.directory());
    children = new Children(Files.createDirectory(path("logs")));
  }

  /**
   * Starts all servers.
   *
   * @param bytes that memcached is to hold
   */
  void start(long bytes) throws IOException {
    children.serve(
        "s3",
        s3Port,
        List.of(
            home.curvefs(),
            "s3",
            "--data",
            path("s3").toString(),
            "--bucket",
            BUCKET,
            "--listen",
            "127.0.0.1:" + s3Port,
            "--latency-millis",
            Integer.toString(options.latencyMillis())));
    children.serve(
        "metaserver",
        metaPort,
        List.of(
            home.curvefs(),
            "metaserver",
            "--id",
            "1",
            "--listen",
            "127.0.0.1:" + metaPort,
            "--data-dir",
            path("metaserver").toString()));
    curvefs(
        "fs",
        "create",
        FILE_SYSTEM,
        "--meta",
        metaserver(),
        "--bucket",
        BUCKET,
        "--endpoint",
        endpoint(),
        "--access-key",
        KEY,
        "--secret-key",
        KEY);
    startMemcached(bytes);
  }

  private void startMemcached(long bytes) throws IOException {
    long mib = (long) (bytes * MEMCACHED_SPARE / MEMCACHED_SERVERS) >> 20;
    for (int i = 0; i < MEMCACHED_SERVERS; i++) {
      int port = Ports.free(MEMCACHED_PORT_PREFERRED + i, 1);
      children.serve(
          "memcached-" + i,
          port,
          List.of(
              "memcached",
              "-u",
              "nobody",
              "-l",
              "127.0.0.1",
              "-U",
              "0",
              "-p",
              Integer.toString(port),
              "-m",
              Long.toString(Math.max(MEMCACHED_MIB_MIN, mib))));
      memcachedPorts.add(port);
    }
    String servers =
        memcachedPorts.stream().map(port -> "127.0.0.1:" + port).collect(Collectors.joining(","));
    curvefs("cachecluster", "add", CLUSTER, servers, "--meta", metaserver());
    curvefs("cachecluster", "bind", CLUSTER, "--fs", FILE_SYSTEM, "--meta", metaserver());
  }

  private Path path(String name) {
    return options.directory().resolve(name);
  }

  private String metaserver() {
    return "127.0.0.1:" + metaPort;
  }

  private String endpoint() {
    return "http://127.0.0.1:" + s3Port;
  }

  /** A directory of the machine's own file system, to compare with. */
  Path local() throws IOException {
    return Files.createDirectories(path("local"));
  }

  /** A file for a list of names. */
  Path list() {
    return path("list");
  }

  /** Where a client finds the bucket. */
  S3Location bucket() {
    return new S3Location(BUCKET, endpoint(), "us-east-1", S3Credentials.of(KEY, KEY));
  }

  /** Where the store keeps the bucket's objects, as files named by their keys. */
  Path objects() {
    return path("s3").resolve(BUCKET);
  }

  /**
   * Mounts the file system once more.
   *
   * @param more options, separated by commas; may be empty
   */
  Host mount(String name, String more) throws IOException {
    Path root = Files.createDirectories(path("mount-" + name));
    Path cache = Files.createDirectories(path("cache-" + name));
    synchronized (this) {
      mounted.add(root);
    }
    children.run(
        COMMAND_MAX,
        List.of(
            home.mountCurvefs(),
            metaserver() + "/" + FILE_SYSTEM,
            root.toString(),
            "-o",
            "cache_dir="
                + cache
                + ",log_file="
                + path("logs").resolve("mount-" + name + ".log")
                + (more.isEmpty() ? "" : "," + more)));
    return new Host(root, cache);
  }

  /** Runs a curvefs command to its end. */
  void curvefs(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(home.curvefs()));
    command.addAll(List.of(arguments));
    children.run(COMMAND_MAX, command);
  }

  /** The memcached servers forget everything. */
  void flushMemcached() throws IOException {
    for (int port : memcachedPorts) {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        socket.setSoTimeout(FLUSH_MILLIS_MAX);
        OutputStream out = socket.getOutputStream();
        out.write("flush_all\r\n".getBytes(StandardCharsets.US_ASCII));
        byte[] expected = "OK\r\n".getBytes(StandardCharsets.US_ASCII);
        String answer =
            new String(
                socket.getInputStream().readNBytes(expected.length), StandardCharsets.US_ASCII);
        if (!answer.equals("OK\r\n")) {
          throw new IOException("memcached at port " + port + " does not flush: " + answer);
        }
      }
    }
  }

  /** Ends everything and removes what it left, unless that is to be kept. May be repeated. */
  @Override
  public synchronized void close() throws IOException {
    abandonMounts();
    children.close();
    abandonMounts(); // those that had only begun
    if (!options.keep()) {
      directory.remove();
    }
  }

  private void abandonMounts() throws IOException {
    for (Path root : mounted) {
      AbandonedMount.remove(root);
    }
  }
}

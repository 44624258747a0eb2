package io.curvefs.client.trial;

import io.curvefs.client.quickstart.AbandonedMount;
import io.curvefs.client.quickstart.Children;
import io.curvefs.client.quickstart.Home;
import io.curvefs.client.quickstart.OwnDirectory;
import io.curvefs.client.quickstart.Ports;
import io.curvefs.client.quickstart.ProcessEnd;
import io.curvefs.fault.FaultPoint;
import io.curvefs.proto.ServerStatsReply;
import io.curvefs.proto.ServerStatsRequest;
import io.curvefs.rpc.HostPort;
import io.curvefs.rpc.RpcClient;
import io.curvefs.rpc.RpcMethod;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Three metaservers and a volume in a sparse file, on this machine. It ends with its owner. Servers
 * are killed by one thread at a time; {@link #close} from any thread.
 */
final class Installation implements AutoCloseable {
  static final int SERVERS = 3;

  /** How long freed blocks rest. A transfer may take a quarter of it. */
  static final int QUARANTINE_SECONDS = 8;

  private static final String FILE_SYSTEM = "trial";
  private static final Duration COMMAND_MAX = Duration.ofMinutes(10);
  private static final Duration STATS_MAX = Duration.ofSeconds(5);
  private static final Duration END_MAX = Duration.ofSeconds(30);
  private static final int PORT_PREFERRED = 17_700;
  private static final int PORTS_EACH = 2;
  private static final int ELECTION_MILLIS = 1_500;

  /** What one mount has done, the other sees at once. */
  private static final String NOTHING_REMEMBERED =
      "attr_timeout=0,entry_timeout=0,negative_timeout=0";

  private final TrialOptions options;
  private final Home home;
  private final Children children;
  private final OwnDirectory directory;
  private final int firstPort;
  private final RpcClient rpc = new RpcClient(1);
  private final Map<Integer, Process> servers = new TreeMap<>();
  private final List<Path> mounted = new ArrayList<>();

  /**
   * Prepares the directory; {@link #start} does the rest.
   *
   * @throws IOException if it cannot be used or is not empty; nothing is left then
   */
  Installation(TrialOptions options, Home home) throws IOException {
    this.options = options;
    this.home = home;
    firstPort = Ports.free(PORT_PREFERRED, SERVERS * PORTS_EACH);
    directory = new OwnDirectory(options.directory());
    children = new Children(Files.createDirectory(path("logs")));
  }

  void start() throws IOException {
    for (int server = 1; server <= SERVERS; server++) {
      startServer(server, null);
    }
    try (RandomAccessFile sparse = new RandomAccessFile(volume().toFile(), "rw")) {
      sparse.setLength((long) options.volumeMib() << 20);
    }
    curvefs(
        "fs",
        "create",
        FILE_SYSTEM,
        "--meta",
        servers(),
        "--volume",
        "file://" + volume(),
        "--quarantine",
        Integer.toString(QUARANTINE_SECONDS));
  }

  private Path path(String name) {
    return options.directory().resolve(name);
  }

  private Path volume() {
    return path("volume");
  }

  private static int index(int server) {
    return server - 1;
  }

  private int port(int server) {
    return firstPort + index(server) * PORTS_EACH;
  }

  private String address(int server) {
    return "127.0.0.1:" + port(server);
  }

  private String servers() {
    return IntStream.rangeClosed(1, SERVERS)
        .mapToObj(this::address)
        .collect(Collectors.joining(","));
  }

  /**
   * Starts a server.
   *
   * @return whether it will die as wished: one that does before it serves is started anew, without
   */
  boolean startServer(int server, @Nullable DeathWish wish) throws IOException {
    List<String> command = serverCommand(server);
    if (wish != null) {
      try {
        servers.put(server, children.serve(name(server), port(server), wish.in(command)));
        return true;
      } catch (IOException e) {
        killServer(server);
      }
    }
    servers.put(server, children.serve(name(server), port(server), command));
    return false;
  }

  private static String name(int server) {
    return "metaserver-" + server;
  }

  private List<String> serverCommand(int server) {
    String peers =
        IntStream.rangeClosed(1, SERVERS)
            .mapToObj(peer -> peer + "=" + address(peer))
            .collect(Collectors.joining(","));
    return List.of(
        home.curvefs(),
        "metaserver",
        "--id",
        Integer.toString(server),
        "--listen",
        address(server),
        "--data-dir",
        path(name(server)).toString(),
        "--peers",
        peers,
        "--election-millis",
        Integer.toString(ELECTION_MILLIS));
  }

  boolean isServerAlive(int server) {
    Process process = servers.get(server);
    return process != null && process.isAlive();
  }

  /** SIGKILL, unless it is dead. */
  void killServer(int server) throws IOException {
    Process process = servers.get(server);
    if (process == null) {
      throw new IllegalStateException("server " + server + " does not run");
    }
    process.destroyForcibly();
    if (!ProcessEnd.await(process.toHandle(), END_MAX)) {
      throw new IOException("process " + process.pid() + " cannot be killed");
    }
  }

  /** How many data groups a server leads; 0 when it does not answer. */
  double groupsLed(int server) throws IOException {
    return statistics(server, "curvefs.raft.leader");
  }

  /** Entries of data groups that the server has applied which has applied most. */
  double entriesApplied() throws IOException {
    double most = 0;
    for (int server = 1; server <= SERVERS; server++) {
      most = Math.max(most, statistics(server, "curvefs.raft.applied.index"));
    }
    return most;
  }

  private double statistics(int server, String name) {
    try {
      ServerStatsReply reply =
          rpc.call(
                  HostPort.parse(address(server)),
                  RpcMethod.STATS,
                  ServerStatsRequest.getDefaultInstance(),
                  ServerStatsReply.class,
                  STATS_MAX)
              .join();
      return reply.getValuesMap().entrySet().stream()
          .filter(value -> value.getKey().startsWith(name + "{"))
          .filter(value -> !value.getKey().contains("group=0"))
          .mapToDouble(Map.Entry::getValue)
          .sum();
    } catch (CompletionException e) {
      return 0;
    }
  }

  TrialMount mount(String name) throws IOException {
    Path root = Files.createDirectories(path("mount-" + name));
    synchronized (this) {
      mounted.add(root);
    }
    return new TrialMount(root, this::mountAt);
  }

  private boolean mountAt(Path root, @Nullable DeathWish wish) throws IOException {
    List<String> command =
        List.of(
            home.mountCurvefs(),
            servers() + "/" + FILE_SYSTEM,
            root.toString(),
            "-o",
            NOTHING_REMEMBERED + ",log_file=" + path("logs").resolve(root.getFileName() + ".log"));
    if (wish != null) {
      try {
        children.run(COMMAND_MAX, wish.in(command));
        return true;
      } catch (IOException e) {
        AbandonedMount.remove(root);
      }
    }
    children.run(COMMAND_MAX, command);
    return false;
  }

  private String curvefs(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(home.curvefs()));
    command.addAll(List.of(arguments));
    return children.run(COMMAND_MAX, command);
  }

  /** How the volume is used. */
  Space space() throws IOException {
    return Space.parse(curvefs("volume", "usage", FILE_SYSTEM, "--json", "--meta", servers()));
  }

  /** What the check of the space says. */
  JsonNode check() throws IOException {
    Children.Ended ended =
        children.run(
            COMMAND_MAX,
            1,
            List.of(home.curvefs(), "fsck", FILE_SYSTEM, "--json", "--meta", servers()));
    return JsonMapper.shared().readTree(ended.text());
  }

  /**
   * Moves what lies in pieces, as far as it can be moved.
   *
   * @param wish where it is to die
   */
  Children.Ended defrag(@Nullable DeathWish wish) throws IOException {
    List<String> command =
        List.of(home.curvefs(), "volume", "defrag", FILE_SYSTEM, "--json", "--meta", servers());
    return children.run(
        COMMAND_MAX, FaultPoint.EXIT_STATUS, wish == null ? command : wish.in(command));
  }

  /** Blocks of all files below a directory, as stat(2) says. */
  long fileBlocks(Path directory) throws IOException {
    return children
            .run(
                COMMAND_MAX,
                List.of("find", directory.toString(), "-type", "f", "-printf", "%b\\n"))
            .lines()
            .mapToLong(Long::parseLong)
            .sum()
        / 8;
  }

  /** What the volume's own file takes of the disk. */
  long backingBytes() throws IOException {
    return Long.parseLong(
            children.run(COMMAND_MAX, List.of("stat", "-c", "%b", volume().toString())).strip())
        * 512;
  }

  /** Ends everything and removes what it left, unless that is to be kept. May be repeated. */
  @Override
  public synchronized void close() throws IOException {
    abandonMounts();
    children.close();
    abandonMounts(); // those that had only begun
    rpc.close();
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

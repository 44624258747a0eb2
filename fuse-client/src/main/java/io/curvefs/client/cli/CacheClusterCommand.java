package io.curvefs.client.cli;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.proto.BindCacheClusterRequest;
import io.curvefs.proto.CacheCluster;
import io.curvefs.proto.CacheClusterStatus;
import io.curvefs.proto.CacheServer;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.ListCacheClustersRequest;
import io.curvefs.proto.PutCacheClusterRequest;
import io.curvefs.proto.RemoveCacheClusterRequest;
import io.curvefs.rpc.HostPort;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** memcached servers that the mounts of a file system share. */
@Command(
    name = "cachecluster",
    description = {
      "Register memcached servers and let the mounts of file systems share them.",
      "memcached asks nobody who they are: keep its ports inside the cluster's network."
    },
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      CacheClusterCommand.Add.class,
      CacheClusterCommand.ListAll.class,
      CacheClusterCommand.Remove.class,
      CacheClusterCommand.Bind.class,
      CacheClusterCommand.Unbind.class
    })
final class CacheClusterCommand {
  /** Long enough for an election. */
  private static final Duration BOUND = Duration.ofSeconds(30);

  private static final String FOLLOW = "; its mounts follow within seconds";

  @Command(
      name = "add",
      description = {
        "Register servers under a name. Each is asked for its version first.",
        "With --replace a cluster that exists gets these servers instead of its own."
      },
      mixinStandardHelpOptions = true)
  static final class Add implements Callable<Integer> {
    @Mixin private FsCommand.Servers servers;

    @Parameters(index = "0", paramLabel = "NAME")
    private String name;

    @Parameters(index = "1", paramLabel = "HOST:PORT[,HOST:PORT...]")
    private String addresses;

    @Option(names = "--replace", description = "Replace the servers of a cluster that exists.")
    private boolean replace;

    @Option(names = "--force", description = "Do not ask the servers whether they are there.")
    private boolean force;

    @Override
    public Integer call() throws IOException {
      List<HostPort> given = Arrays.stream(addresses.split(",", -1)).map(HostPort::parse).toList();
      if (!force) {
        requireAnswers(given);
      }
      PutCacheClusterRequest.Builder request =
          PutCacheClusterRequest.newBuilder().setName(name).setReplace(replace);
      for (HostPort server : given) {
        request.addServers(CacheServer.newBuilder().setHost(server.host()).setPort(server.port()));
      }
      try (AdminClient client = servers.connect()) {
        client.ask(CoordinateRequest.newBuilder().setPutCacheCluster(request), BOUND);
      }
      System.out.printf(
          "memcached cluster '%s' has %d server%s; 'curvefs cachecluster bind' lets a file system"
              + " use it%n",
          name, given.size(), given.size() == 1 ? "" : "s");
      return 0;
    }

    private static void requireAnswers(List<HostPort> asked) throws IOException {
      List<MemcachedProbe.State> silent =
          MemcachedProbe.askAll(asked).stream().filter(state -> !state.answers()).toList();
      if (!silent.isEmpty()) {
        MemcachedProbe.State first = silent.get(0);
        String more = silent.size() == 1 ? "" : " (and " + (silent.size() - 1) + " more)";
        throw new IOException(
            "memcached server "
                + first.server()
                + more
                + " does not answer: "
                + first.problem()
                + ": is it running, and may this host reach it? --force registers it all the same");
      }
    }
  }

  @Command(
      name = "list",
      description = "List memcached clusters, who uses them, and what each server says now.",
      mixinStandardHelpOptions = true)
  static final class ListAll implements Callable<Integer> {
    @Mixin private FsCommand.Servers servers;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
      List<CacheClusterStatus> all = ask(servers);
      List<HostPort> everyServer =
          all.stream()
              .flatMap(status -> addresses(status.getCluster()).stream())
              .distinct()
              .toList();
      Map<HostPort, MemcachedProbe.State> states = new LinkedHashMap<>();
      MemcachedProbe.askAll(everyServer).forEach(state -> states.put(state.server(), state));
      if (json) {
        Json.print(all.stream().map(status -> describe(status, states)).toList());
        return 0;
      }
      for (CacheClusterStatus status : all) {
        String users = String.join(", ", status.getFileSystemsList());
        System.out.printf(
            "%s  (%s)%n",
            status.getCluster().getName(), users.isEmpty() ? "not used" : "used by " + users);
        for (HostPort server : addresses(status.getCluster())) {
          System.out.printf("  %-32s %s%n", server, text(stateOf(server, states)));
        }
      }
      return 0;
    }

    private static MemcachedProbe.State stateOf(
        HostPort server, Map<HostPort, MemcachedProbe.State> states) {
      return Objects.requireNonNull(states.get(server), "every server was asked");
    }

    private static String text(MemcachedProbe.State state) {
      return state.answers()
          ? "memcached %s, %s of %s, items up to %s"
              .formatted(
                  state.version(),
                  ByteSize.text((double) state.bytesUsed()),
                  ByteSize.text((double) state.bytesMax()),
                  ByteSize.text((double) state.itemBytesMax()))
          : "does not answer: " + state.problem();
    }

    private static Map<String, Object> describe(
        CacheClusterStatus status, Map<HostPort, MemcachedProbe.State> states) {
      Map<String, Object> described = new LinkedHashMap<>();
      described.put("name", status.getCluster().getName());
      described.put("version", status.getCluster().getVersion());
      described.put("file_systems", List.copyOf(status.getFileSystemsList()));
      described.put(
          "servers",
          addresses(status.getCluster()).stream()
              .map(server -> describe(stateOf(server, states)))
              .toList());
      return described;
    }

    private static Map<String, Object> describe(MemcachedProbe.State state) {
      Map<String, Object> described = new LinkedHashMap<>();
      described.put("address", state.server().toString());
      described.put("answers", state.answers());
      if (state.problem() != null) {
        described.put("problem", state.problem());
        return described;
      }
      described.put("memcached", state.version());
      described.put("bytes_used", state.bytesUsed());
      described.put("bytes_max", state.bytesMax());
      described.put("item_bytes_max", state.itemBytesMax());
      return described;
    }
  }

  @Command(
      name = "remove",
      description = "Forget a cluster that no file system uses. Its servers are left alone.",
      mixinStandardHelpOptions = true)
  static final class Remove implements Callable<Integer> {
    @Mixin private FsCommand.Servers servers;

    @Parameters(index = "0", paramLabel = "NAME")
    private String name;

    @Override
    public Integer call() throws IOException {
      List<CacheCluster> all = ask(servers).stream().map(CacheClusterStatus::getCluster).toList();
      CacheCluster seen =
          all.stream()
              .filter(cluster -> cluster.getName().equals(name))
              .findFirst()
              .orElseThrow(() -> noSuch(all));
      try (AdminClient client = servers.connect()) {
        client.ask(
            CoordinateRequest.newBuilder()
                .setRemoveCacheCluster(
                    RemoveCacheClusterRequest.newBuilder()
                        .setName(name)
                        .setVersion(seen.getVersion())),
            BOUND);
      }
      System.out.println("memcached cluster '" + name + "' is removed");
      return 0;
    }

    private IOException noSuch(List<CacheCluster> all) {
      String known =
          all.isEmpty()
              ? "there is none"
              : "there are: " + String.join(", ", all.stream().map(CacheCluster::getName).toList());
      return new IOException("no memcached cluster '" + name + "': " + known);
    }
  }

  @Command(
      name = "bind",
      description = {
        "Let the mounts of a file system share a cluster, in place of another it may have used.",
        "Mounts that run follow within seconds."
      },
      mixinStandardHelpOptions = true)
  static final class Bind implements Callable<Integer> {
    @Mixin private FsCommand.Servers servers;

    @Parameters(index = "0", paramLabel = "NAME")
    private String name;

    @Option(names = "--fs", required = true, paramLabel = "FSNAME")
    private String fileSystem;

    @Override
    public Integer call() throws IOException {
      if (name.isEmpty()) {
        throw new IllegalArgumentException(
            "name the cluster: 'curvefs cachecluster list' shows those there are");
      }
      bind(servers, fileSystem, name);
      System.out.printf(
          "file system '%s' uses memcached cluster '%s'%s%n", fileSystem, name, FOLLOW);
      return 0;
    }
  }

  @Command(
      name = "unbind",
      description = "Let the mounts of a file system use no memcached servers any more.",
      mixinStandardHelpOptions = true)
  static final class Unbind implements Callable<Integer> {
    @Mixin private FsCommand.Servers servers;

    @Option(names = "--fs", required = true, paramLabel = "FSNAME")
    private String fileSystem;

    @Override
    public Integer call() throws IOException {
      bind(servers, fileSystem, "");
      System.out.printf("file system '%s' uses no memcached cluster%s%n", fileSystem, FOLLOW);
      return 0;
    }
  }

  private static void bind(FsCommand.Servers servers, String fileSystem, String cluster)
      throws IOException {
    try (AdminClient client = servers.connect()) {
      client.ask(
          CoordinateRequest.newBuilder()
              .setBindCacheCluster(
                  BindCacheClusterRequest.newBuilder()
                      .setFileSystem(fileSystem)
                      .setCluster(cluster)),
          BOUND);
    }
  }

  private static List<CacheClusterStatus> ask(FsCommand.Servers servers) throws IOException {
    try (AdminClient client = servers.connect()) {
      return client
          .ask(
              CoordinateRequest.newBuilder()
                  .setListCacheClusters(ListCacheClustersRequest.getDefaultInstance()),
              BOUND)
          .getCacheClustersList();
    }
  }

  private static List<HostPort> addresses(CacheCluster cluster) {
    return cluster.getServersList().stream()
        .map(server -> new HostPort(server.getHost(), server.getPort()))
        .toList();
  }
}

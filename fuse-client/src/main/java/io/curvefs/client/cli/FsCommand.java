package io.curvefs.client.cli;

import io.curvefs.objectstore.S3Credentials;
import io.curvefs.objectstore.S3Location;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.CreateFsRequest;
import io.curvefs.proto.DeleteFsRequest;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.FileSystemStatus;
import io.curvefs.proto.ListFsRequest;
import io.curvefs.proto.ObjectStoreConfig;
import io.curvefs.proto.Session;
import io.curvefs.rpc.HostPort;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** File systems of a cluster. */
@Command(
    name = "fs",
    description = "Create, list, show and delete file systems.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      FsCommand.Create.class,
      FsCommand.ListAll.class,
      FsCommand.Info.class,
      FsCommand.Delete.class
    })
final class FsCommand {
  /** Long enough for an election and for a bucket that does not answer. */
  private static final Duration BOUND = Duration.ofSeconds(90);

  private static final Duration SHORT = Duration.ofSeconds(15);

  /** Where the metaservers are. */
  static final class Servers {
    @Option(
        names = "--meta",
        paramLabel = "HOST:PORT,...",
        defaultValue = "${env:CURVEFS_META:-127.0.0.1:6700}",
        description = "Metaservers. Default: $CURVEFS_META, else 127.0.0.1:6700")
    private String addresses;

    AdminClient connect() {
      return new AdminClient(Arrays.stream(addresses.split(",", -1)).map(HostPort::parse).toList());
    }
  }

  @Command(
      name = "create",
      description = {
        "Create a file system whose data lies in an S3 bucket.",
        "Keys given here are kept by the cluster and handed to mounts; without them every process",
        "uses its own AWS credential chain (environment, profile, role)."
      },
      mixinStandardHelpOptions = true)
  static final class Create implements Callable<Integer> {
    @Mixin private Servers servers;

    @Parameters(index = "0", paramLabel = "NAME")
    private String name;

    @Option(names = "--bucket", required = true, paramLabel = "BUCKET")
    private String bucket;

    @Option(
        names = "--endpoint",
        paramLabel = "URL",
        defaultValue = "",
        description = "Default: AWS's own for the region")
    private String endpoint;

    @Option(names = "--region", paramLabel = "REGION", defaultValue = "us-east-1")
    private String region;

    @Option(names = "--access-key", paramLabel = "KEY", defaultValue = "")
    private String accessKey;

    @Option(
        names = "--secret-key",
        paramLabel = "KEY",
        defaultValue = "${env:CURVEFS_SECRET_KEY:-}",
        description = "Better in $CURVEFS_SECRET_KEY: others can see the command line.")
    private String secretKey;

    @Option(
        names = "--cache-cluster",
        paramLabel = "NAME",
        defaultValue = "",
        description = "A memcached cluster for its mounts, see 'curvefs cachecluster'.")
    private String cacheCluster;

    @Override
    public Integer call() throws IOException {
      if (accessKey.isEmpty() != secretKey.isEmpty()) {
        throw new IllegalArgumentException(
            "give both --access-key and --secret-key, or neither to use the AWS credential chain");
      }
      S3Credentials credentials =
          accessKey.isEmpty()
              ? S3Credentials.defaultChain()
              : S3Credentials.of(accessKey, secretKey);
      S3Location checked = new S3Location(bucket, endpoint, region, credentials);
      try (AdminClient client = servers.connect()) {
        client.ask(
            CoordinateRequest.newBuilder()
                .setCreateFs(
                    CreateFsRequest.newBuilder()
                        .setName(name)
                        .setUuid(UUID.randomUUID().toString())
                        .setCacheCluster(cacheCluster)
                        .setObjectStore(
                            ObjectStoreConfig.newBuilder()
                                .setBucket(checked.bucket())
                                .setEndpoint(checked.endpoint())
                                .setRegion(checked.region())
                                .setAccessKey(accessKey)
                                .setSecretKey(secretKey))),
            BOUND);
      }
      System.out.println("created '" + name + "' in bucket " + bucket + " at " + checked.display());
      return 0;
    }
  }

  @Command(name = "list", description = "List file systems.", mixinStandardHelpOptions = true)
  static final class ListAll implements Callable<Integer> {
    @Mixin private Servers servers;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
      List<FileSystemStatus> all = ask(servers, "");
      if (json) {
        Json.print(all.stream().map(FsCommand::describe).toList());
        return 0;
      }
      System.out.printf("%-24s %-10s %6s  %s%n", "NAME", "STATE", "MOUNTS", "BUCKET");
      for (FileSystemStatus status : all) {
        FileSystem fileSystem = status.getFileSystem();
        System.out.printf(
            "%-24s %-10s %6d  %s%n",
            fileSystem.getName(), state(fileSystem), status.getSessionsCount(), bucket(fileSystem));
      }
      return 0;
    }
  }

  @Command(
      name = "info",
      description = "Show one file system and who has it mounted.",
      mixinStandardHelpOptions = true)
  static final class Info implements Callable<Integer> {
    @Mixin private Servers servers;

    @Parameters(index = "0", paramLabel = "NAME")
    private String name;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
      FileSystemStatus status = ask(servers, name).get(0);
      Map<String, Object> described = describe(status);
      if (json) {
        Json.print(described);
        return 0;
      }
      described.forEach(
          (key, value) -> {
            if (!(value instanceof List) && !value.equals("")) {
              System.out.printf("%-13s %s%n", key, value);
            }
          });
      for (Session session : status.getSessionsList()) {
        System.out.printf(
            "%-13s %s:%s (pid %d%s)%n",
            "mounted",
            session.getHost(),
            session.getMountPoint(),
            session.getPid(),
            session.getReadOnly() ? ", read-only" : "");
      }
      return 0;
    }
  }

  @Command(
      name = "delete",
      description = "Delete a file system with everything in it. Its objects go in the background.",
      mixinStandardHelpOptions = true)
  static final class Delete implements Callable<Integer> {
    @Mixin private Servers servers;

    @Parameters(index = "0", paramLabel = "NAME")
    private String name;

    @Option(names = "--yes", description = "Do not ask for the name again.")
    private boolean yes;

    @Override
    public Integer call() throws IOException {
      if (!yes && !name.equals(typed())) {
        throw new IOException("not deleted: the name was not confirmed; scripts use --yes");
      }
      try (AdminClient client = servers.connect()) {
        client.ask(
            CoordinateRequest.newBuilder().setDeleteFs(DeleteFsRequest.newBuilder().setName(name)),
            BOUND);
      }
      System.out.println(
          "'" + name + "' is being deleted; 'curvefs fs list' shows it until its objects are gone");
      return 0;
    }

    private @Nullable String typed() throws IOException {
      System.err.printf("Everything in '%s' will be lost. Type its name to go on: ", name);
      return new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset()))
          .readLine();
    }
  }

  private static List<FileSystemStatus> ask(Servers servers, String name) throws IOException {
    try (AdminClient client = servers.connect()) {
      return client
          .ask(
              CoordinateRequest.newBuilder().setListFs(ListFsRequest.newBuilder().setName(name)),
              SHORT)
          .getFileSystemsList();
    }
  }

  private static String state(FileSystem fileSystem) {
    return fileSystem.getState().name().toLowerCase(Locale.ROOT);
  }

  private static String bucket(FileSystem fileSystem) {
    ObjectStoreConfig store = fileSystem.getObjectStore();
    String endpoint =
        store.getEndpoint().isEmpty() ? "AWS S3 " + store.getRegion() : store.getEndpoint();
    return endpoint + "/" + store.getBucket();
  }

  private static Map<String, Object> describe(FileSystemStatus status) {
    FileSystem fileSystem = status.getFileSystem();
    Map<String, Object> described = new LinkedHashMap<>();
    described.put("name", fileSystem.getName());
    described.put("uuid", fileSystem.getUuid());
    described.put("state", state(fileSystem));
    described.put("bucket", bucket(fileSystem));
    described.put(
        "created", Instant.ofEpochSecond(fileSystem.getCreated().getSeconds()).toString());
    described.put("partitions", fileSystem.getPartitionGroupsCount());
    described.put("cache_cluster", fileSystem.getCacheCluster());
    described.put(
        "mounts",
        status.getSessionsList().stream()
            .map(
                session ->
                    Map.of(
                        "host",
                        session.getHost(),
                        "mount_point",
                        session.getMountPoint(),
                        "pid",
                        session.getPid(),
                        "read_only",
                        session.getReadOnly()))
            .toList());
    return described;
  }
}

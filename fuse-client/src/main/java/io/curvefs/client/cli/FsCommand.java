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
import io.curvefs.proto.Volume;
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
import picocli.CommandLine.ArgGroup;
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

    List<HostPort> addresses() {
      return Arrays.stream(addresses.split(",", -1)).map(HostPort::parse).toList();
    }

    AdminClient connect() {
      return new AdminClient(addresses());
    }
  }

  @Command(
      name = "create",
      description = {
        "Create a file system whose data lies in an S3 bucket (--bucket) or on volumes (--volume).",
        "Keys given here are kept by the cluster and handed to mounts; without them every process",
        "uses its own AWS credential chain (environment, profile, role).",
        "Volumes are block devices that every host can open; each gets a header."
      },
      mixinStandardHelpOptions = true)
  static final class Create implements Callable<Integer> {
    @Mixin private Servers servers;

    @Parameters(index = "0", paramLabel = "NAME")
    private String name;

    @Option(names = "--bucket", paramLabel = "BUCKET")
    private @Nullable String bucket;

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

    @ArgGroup(exclusive = false)
    private @Nullable OnVolumes onVolumes;

    /** What is said of volumes. */
    static final class OnVolumes {
      @Option(
          names = "--volume",
          required = true,
          split = ",",
          paramLabel = "URI",
          description = VolumeCommand.URIS)
      private List<String> uris;

      @Option(
          names = "--poolset",
          paramLabel = "NAME",
          defaultValue = VolumeFileSystems.POOL_SET,
          description = "Class of medium of these volumes. Default: ${DEFAULT-VALUE}")
      private String poolSet;

      @Option(
          names = "--quarantine",
          paramLabel = "SECONDS",
          defaultValue = "60",
          description = "How long freed space rests before it is used again. Default: 60")
      private int quarantineSeconds;

      @Option(
          names = "--force",
          description = "Format devices that look used; what is on them will be lost.")
      private boolean force;
    }

    @Override
    public Integer call() throws IOException {
      if ((bucket == null) == (onVolumes == null)) {
        throw new IllegalArgumentException(
            "give either --bucket or --volume: where shall the data of '" + name + "' lie?");
      }
      try (AdminClient client = servers.connect()) {
        if (onVolumes != null) {
          System.out.println(
              VolumeFileSystems.create(
                  client,
                  name,
                  cacheCluster,
                  onVolumes.uris,
                  onVolumes.poolSet,
                  onVolumes.quarantineSeconds,
                  onVolumes.force));
        } else if (bucket != null) {
          createInBucket(client, bucket);
        }
      }
      return 0;
    }

    private void createInBucket(AdminClient client, String named) throws IOException {
      if (accessKey.isEmpty() != secretKey.isEmpty()) {
        throw new IllegalArgumentException(
            "give both --access-key and --secret-key, or neither to use the AWS credential chain");
      }
      S3Credentials credentials =
          accessKey.isEmpty()
              ? S3Credentials.defaultChain()
              : S3Credentials.of(accessKey, secretKey);
      S3Location checked = new S3Location(named, endpoint, region, credentials);
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
      System.out.println("created '" + name + "' in bucket " + named + " at " + checked.display());
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
      System.out.printf("%-24s %-10s %6s  %s%n", "NAME", "STATE", "MOUNTS", "DATA IN");
      for (FileSystemStatus status : all) {
        FileSystem fileSystem = status.getFileSystem();
        System.out.printf(
            "%-24s %-10s %6d  %s%n",
            fileSystem.getName(), state(fileSystem), status.getSessionsCount(), where(fileSystem));
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
              System.out.printf("%-18s %s%n", key, value);
            }
          });
      for (Session session : status.getSessionsList()) {
        System.out.printf(
            "%-18s %s:%s (pid %d%s)%n",
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
      description = {
        "Delete a file system with everything in it. Its objects go in the background.",
        "The headers of its volumes are wiped, so that the devices can be used again."
      },
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
        FileSystem fileSystem = client.route(name, SHORT).getFileSystem();
        client.ask(
            CoordinateRequest.newBuilder().setDeleteFs(DeleteFsRequest.newBuilder().setName(name)),
            BOUND);
        System.out.println(
            "'"
                + name
                + "' is being deleted; 'curvefs fs list' shows it until "
                + (fileSystem.hasVolumeStorage() ? "all is forgotten" : "its objects are gone"));
        return VolumeFileSystems.wipe(fileSystem) ? 0 : 1;
      }
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

  private static String where(FileSystem fileSystem) {
    return fileSystem.hasVolumeStorage()
        ? String.join(
            ", ",
            fileSystem.getVolumeStorage().getVolumesList().stream().map(Volume::getUri).toList())
        : bucket(fileSystem);
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
    if (fileSystem.hasVolumeStorage()) {
      described.put("volumes", where(fileSystem));
      described.put("pool_set", fileSystem.getVolumeStorage().getPoolSet());
      described.put("quarantine_seconds", fileSystem.getVolumeStorage().getQuarantineSeconds());
    } else {
      described.put("bucket", bucket(fileSystem));
    }
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

package io.curvefs.client.cli;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.ListFsRequest;
import io.curvefs.proto.Routing;
import io.curvefs.proto.Volume;
import io.curvefs.proto.VolumeStorage;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Volumes of a file system. */
@Command(
    name = "volume",
    description =
        "Show, add, expand and defragment the volumes of a file system, and how they are used.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      VolumeCommand.ListAll.class,
      VolumeCommand.Add.class,
      VolumeCommand.Expand.class,
      VolumeUsageCommand.class,
      VolumeDefragCommand.class
    })
final class VolumeCommand {
  static final Duration BOUND = Duration.ofSeconds(30);

  /** What {@code BlockDevices} can open, as a format. */
  static final String URIS =
      "Volumes, as every host can open them: file:///path, block:///dev/name,"
          + " nbd://host[:port]/export, nbd+unix:///export?socket=/path,"
          + " iscsi://[user%%password@]host[:port]/target/lun";

  /** Why a command about volumes does nothing with a bucket. */
  static final String BUCKET = "'curvefs fs info' shows what is known of it";

  private VolumeCommand() {}

  @Command(
      name = "list",
      description = "List the volumes of a file system.",
      mixinStandardHelpOptions = true)
  static final class ListAll implements Callable<Integer> {
    @Mixin private FsCommand.Servers servers;

    @Parameters(index = "0", paramLabel = "NAME")
    private String name;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
      FileSystem fileSystem;
      try (AdminClient client = servers.connect()) {
        // As listed, without the passwords in URIs.
        fileSystem =
            client
                .ask(
                    CoordinateRequest.newBuilder()
                        .setListFs(ListFsRequest.newBuilder().setName(name)),
                    BOUND)
                .getFileSystems(0)
                .getFileSystem();
      }
      VolumeStorage storage =
          VolumeFileSystems.require(Routing.newBuilder().setFileSystem(fileSystem).build(), BUCKET)
              .getVolumeStorage();
      if (json) {
        Json.print(storage.getVolumesList().stream().map(ListAll::describe).toList());
        return 0;
      }
      System.out.printf("%6s  %-16s %12s  %s%n", "NUMBER", "POOL SET", "SIZE", "URI");
      for (Volume volume : storage.getVolumesList()) {
        System.out.printf(
            "%6d  %-16s %12s  %s%n",
            volume.getNumber(),
            volume.getPoolSet(),
            ByteSize.text(SpaceSums.bytes(volume.getBlocks())),
            volume.getUri());
      }
      return 0;
    }

    private static Map<String, Object> describe(Volume volume) {
      Map<String, Object> described = new LinkedHashMap<>();
      described.put("number", volume.getNumber());
      described.put("uri", volume.getUri());
      described.put("uuid", volume.getUuid());
      described.put("pool_set", volume.getPoolSet());
      described.put("bytes", (long) SpaceSums.bytes(volume.getBlocks()));
      return described;
    }
  }

  @Command(
      name = "add",
      description = {
        "Format more volumes for a file system. Its mounts use them within seconds.",
        "A volume is never removed again, except with its file system."
      },
      mixinStandardHelpOptions = true)
  static final class Add implements Callable<Integer> {
    @Mixin private FsCommand.Servers servers;

    @Parameters(index = "0", paramLabel = "NAME")
    private String name;

    @Parameters(index = "1", paramLabel = "URI[,URI...]", split = ",", description = URIS)
    private List<String> uris;

    @Option(
        names = "--poolset",
        paramLabel = "NAME",
        description = "Class of medium of these volumes. Default: the file system's own")
    private @Nullable String poolSet;

    @Option(
        names = "--force",
        description = "Format devices that look used; what is on them will be lost.")
    private boolean force;

    @Override
    public Integer call() throws IOException {
      try (AdminClient client = servers.connect()) {
        System.out.println(VolumeFileSystems.add(client, name, uris, poolSet, force));
      }
      return 0;
    }
  }

  @Command(
      name = "expand",
      description = {
        "Take over the sizes of volumes whose devices have grown. Enlarge the device first."
      },
      mixinStandardHelpOptions = true)
  static final class Expand implements Callable<Integer> {
    @Mixin private FsCommand.Servers servers;

    @Parameters(index = "0", paramLabel = "NAME")
    private String name;

    @Parameters(
        index = "1",
        arity = "0..1",
        paramLabel = "NUMBER|URI",
        description = "Default: all of its volumes")
    private @Nullable String which;

    @Override
    public Integer call() throws IOException {
      try (AdminClient client = servers.connect()) {
        VolumeFileSystems.expand(client, name, which).forEach(System.out::println);
      }
      return 0;
    }
  }
}

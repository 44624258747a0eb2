package io.curvefs.client.cli;

import com.google.protobuf.ByteString;
import io.curvefs.client.bench.ByteSize;
import io.curvefs.client.cli.VolumeSpace.Given;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.BlockGroupUsage;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.Routing;
import io.curvefs.proto.SpaceUsage;
import io.curvefs.proto.Volume;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** How the volumes of a file system are used. */
@Command(
    name = "usage",
    description = {
      "Show how the volumes of a file system are used, by pool set.",
      "Freed space rests in quarantine for a while before it is free.",
      "Block groups are 128 MiB of a volume, each in the hands of one raft group or not given yet."
    },
    mixinStandardHelpOptions = true)
final class VolumeUsageCommand implements Callable<Integer> {
  @Mixin private FsCommand.Servers servers;

  @Parameters(index = "0", paramLabel = "NAME")
  private String name;

  @Option(names = "--groups", description = "A line for each block group.")
  private boolean groups;

  @Option(names = "--map", description = "A picture of each block group: what is used of it.")
  private boolean map;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  /**
   * A block group in a raft group's hands.
   *
   * @param usage of it and of those to which it has lent blocks
   */
  record Line(BlockGroupUsage usage, int group) {
    /** The same as two raft groups see it: what one of them has free is free. */
    Line and(Line other) {
      BitSet both = BitSet.valueOf(usage.getBitmap().toByteArray());
      both.and(BitSet.valueOf(other.usage.getBitmap().toByteArray()));
      return new Line(
          usage.toBuilder()
              .setBitmap(ByteString.copyFrom(both.toByteArray()))
              .setSet(both.cardinality())
              .setLargestFree(longestClear(both, usage.getBlocks()))
              .build(),
          other.usage.getLender() == 0 ? other.group : group);
    }

    private static int longestClear(BitSet bits, int end) {
      int longest = 0;
      for (int at = bits.nextClearBit(0); at < end; ) {
        int set = bits.nextSetBit(at);
        int to = set < 0 ? end : set;
        longest = Math.max(longest, to - at);
        at = bits.nextClearBit(to);
      }
      return longest;
    }

    String place() {
      return new BlockRange(usage.getAddress(), 1).group().toString();
    }
  }

  @Override
  public Integer call() throws IOException {
    FileSystem fileSystem;
    SortedMap<Long, Given> given;
    Map<Integer, List<SpaceUsage>> held;
    try (AdminClient client = servers.connect()) {
      Routing routing = client.route(name, VolumeCommand.BOUND);
      fileSystem = VolumeFileSystems.require(routing, VolumeCommand.BUCKET);
      VolumeSpace space = new VolumeSpace(client, routing);
      // In this order: what a group got meanwhile is rather missed than counted twice.
      held = space.held(groups || map);
      given = space.given();
    }
    List<Volume> volumes = fileSystem.getVolumeStorage().getVolumesList();
    List<BlockGroup> blocks = given.values().stream().map(Given::block).toList();
    List<SpaceSums> sums =
        SpaceSums.of(volumes, blocks, held.values().stream().flatMap(List::stream).toList());
    SortedMap<Long, Line> lines = lines(held);
    if (json) {
      Json.print(described(sums, lines));
      return 0;
    }
    print(sums);
    if (groups) {
      printGroups(lines);
    }
    if (map) {
      // In UTF-8, whatever the locale says of letters.
      PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
      printMap(volumes, lines).forEach(out::println);
    }
    return 0;
  }

  private static SortedMap<Long, Line> lines(Map<Integer, List<SpaceUsage>> held) {
    SortedMap<Long, Line> lines = new TreeMap<>();
    held.forEach(
        (group, usages) ->
            usages.stream()
                .flatMap(usage -> usage.getBlockGroupsList().stream())
                .forEach(
                    usage -> lines.merge(usage.getAddress(), new Line(usage, group), Line::and)));
    return lines;
  }

  private static void print(List<SpaceSums> sums) {
    System.out.printf(
        "%-16s %11s %11s %11s %11s %11s %12s%n",
        "POOL SET", "TOTAL", "USED", "RESERVED", "QUARANTINE", "FREE", "LARGEST FREE");
    for (SpaceSums sum : sums) {
      System.out.printf(
          "%-16s %11s %11s %11s %11s %11s %12s%n",
          sum.poolSet(),
          text(sum.total()),
          text(sum.used()),
          text(sum.reserved()),
          text(sum.quarantined()),
          text(sum.free()),
          text(sum.largestFree()));
    }
    for (SpaceSums sum : sums) {
      System.out.printf(
          "of the free space in %s, %s is in block groups that no raft group holds yet%n",
          sum.poolSet(), text(sum.notGiven()));
    }
  }

  private static String text(long blocks) {
    return ByteSize.text(SpaceSums.bytes(blocks));
  }

  private static void printGroups(SortedMap<Long, Line> lines) {
    System.out.printf(
        "%n%-16s %10s %11s %11s %7s %12s%n",
        "VOLUME/GROUP", "RAFT GROUP", "SIZE", "FREE", "IN USE", "LARGEST FREE");
    for (Line line : lines.values()) {
      BlockGroupUsage usage = line.usage();
      System.out.printf(
          "%-16s %10d %11s %11s %6.1f%% %12s%n",
          line.place(),
          line.group(),
          text(usage.getBlocks()),
          text(usage.getBlocks() - usage.getSet()),
          100.0 * usage.getSet() / Math.max(1, usage.getBlocks()),
          text(usage.getLargestFree()));
    }
  }

  /** The picture: block groups by address, and a line for each row of them that nobody holds. */
  static List<String> printMap(List<Volume> volumes, SortedMap<Long, Line> lines) {
    List<String> picture = new ArrayList<>(List.of("", SpaceMap.LEGEND));
    for (Volume volume : volumes) {
      long groups =
          (volume.getBlocks() + VolumeLayout.GROUP_BLOCKS - 1) / VolumeLayout.GROUP_BLOCKS;
      long free = 0;
      for (long group = 0; group <= groups; group++) {
        Line line =
            group == groups
                ? null
                : lines.get(SpaceSums.address(volume, group * VolumeLayout.GROUP_BLOCKS));
        if (line == null && group < groups) {
          free++;
          continue;
        }
        if (free > 0) {
          picture.add(
              "%-12s %d not in use by any raft group"
                  .formatted(volume.getNumber() + "/" + (group - free), free));
          free = 0;
        }
        if (line != null) {
          picture.add("%-12s %s".formatted(line.place(), SpaceMap.line(line.usage())));
        }
      }
    }
    return picture;
  }

  private Map<String, Object> described(List<SpaceSums> sums, SortedMap<Long, Line> lines) {
    Map<String, Object> described = new LinkedHashMap<>();
    described.put("pool_sets", sums.stream().map(SpaceSums::described).toList());
    if (groups || map) {
      described.put("block_groups", lines.values().stream().map(this::described).toList());
    }
    return described;
  }

  private Map<String, Object> described(Line line) {
    BlockGroupUsage usage = line.usage();
    BlockRange first = new BlockRange(usage.getAddress(), 1);
    Map<String, Object> described = new LinkedHashMap<>();
    described.put("volume", first.volume().value());
    described.put("index", first.group().index());
    described.put("raft_group", line.group());
    described.put("bytes", (long) SpaceSums.bytes(usage.getBlocks()));
    described.put("used_bytes", (long) SpaceSums.bytes(usage.getSet()));
    described.put("largest_free_bytes", (long) SpaceSums.bytes(usage.getLargestFree()));
    if (map) {
      described.put("percent_used_of_64ths", SpaceMap.percents(usage));
    }
    return described;
  }
}

package io.curvefs.client.cli;

import io.curvefs.client.cli.VolumeSpace.Given;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.Routing;
import io.curvefs.proto.SpaceCheck;
import io.curvefs.proto.SpaceUsage;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Proves that each block of the volumes has one owner, or none. */
@Command(
    name = "fsck",
    description = {
      "Check the space on the volumes of a file system: every block that is marked as used belongs to",
      "one file, reservation or quarantine, and every block of a file is marked.",
      "Changes nothing; may run while the file system is in use. Exits with 1 when anything is wrong."
    },
    mixinStandardHelpOptions = true)
final class FsckCommand implements Callable<Integer> {
  /** A block group that was given, or blocks that were lent, a moment ago may not have arrived. */
  private static final int LOOKS_MAX = 5;

  private static final int PAUSE_SECONDS = 1;

  @Mixin private FsCommand.Servers servers;

  @Parameters(index = "0", paramLabel = "NAME")
  private String name;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    List<SpaceVerdict> verdicts;
    LoanVerdict loans;
    try (AdminClient client = servers.connect()) {
      Routing routing = client.route(name, VolumeCommand.BOUND);
      FileSystem fileSystem =
          VolumeFileSystems.require(
              routing,
              "fsck checks volumes only. The metadata of a bucket's objects is not compared with"
                  + " the bucket; a file whose object is missing fails to read with EIO");
      VolumeSpace space = new VolumeSpace(client, routing);
      Map<Integer, SpaceCheck> checks = checked(space);
      verdicts = verdicts(space, checks);
      loans = LoanVerdict.of(checks);
      if (json) {
        print(fileSystem, verdicts, loans);
      }
    }
    List<String> problems =
        Stream.concat(
                verdicts.stream().flatMap(verdict -> verdict.problems().stream()),
                loans.problems().stream())
            .toList();
    if (!json) {
      System.out.println(SpaceVerdict.sum(verdicts));
      loans.news().ifPresent(System.out::println);
      problems.forEach(System.out::println);
      System.out.println(
          problems.isEmpty()
              ? "'" + name + "' is sound: every block has one owner or none"
              : "'" + name + "' is NOT sound: problems: " + problems.size());
    }
    return problems.isEmpty() ? 0 : 1;
  }

  /** Once more when raft groups disagree: they are not all asked at the same moment. */
  private static Map<Integer, SpaceCheck> checked(VolumeSpace space) throws IOException {
    for (int look = 1; ; look++) {
      Map<Integer, SpaceCheck> checks = space.check();
      if (look == LOOKS_MAX
          || (LoanVerdict.of(checks).isSettled()
              && verdicts(space, checks).stream().noneMatch(SpaceVerdict::isHeldOtherwise))) {
        return checks;
      }
      try {
        TimeUnit.SECONDS.sleep(PAUSE_SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted");
      }
    }
  }

  private static List<SpaceVerdict> verdicts(VolumeSpace space, Map<Integer, SpaceCheck> checks)
      throws IOException {
    Map<Integer, List<SpaceUsage>> held = space.held(false);
    Map<Integer, Long> given = new LinkedHashMap<>();
    for (Given each : space.given().values()) {
      given.merge(each.group(), (long) each.block().getBlocks(), Long::sum);
    }
    List<SpaceVerdict> verdicts = new ArrayList<>();
    checks.forEach(
        (group, check) ->
            verdicts.add(
                new SpaceVerdict(
                    group,
                    check,
                    held.getOrDefault(group, List.of()).stream()
                        .mapToLong(
                            usage -> usage.getTotal() + usage.getLent() - usage.getBorrowed())
                        .sum(),
                    given.getOrDefault(group, 0L))));
    return verdicts;
  }

  private static void print(FileSystem fileSystem, List<SpaceVerdict> verdicts, LoanVerdict loans) {
    Map<String, Object> described = new LinkedHashMap<>();
    described.put("file_system", fileSystem.getName());
    described.put(
        "sound",
        loans.problems().isEmpty()
            && verdicts.stream().allMatch(verdict -> verdict.problems().isEmpty()));
    described.put("lent_blocks", loans.lent());
    described.put("between_raft_groups_blocks", loans.onTheWay());
    described.put("loan_problems", loans.problems());
    described.put("raft_groups", verdicts.stream().map(SpaceVerdict::described).toList());
    Json.print(described);
  }
}

package io.curvefs.client.cli;

import io.curvefs.client.quickstart.Home;
import io.curvefs.client.trial.TrialOptions;
import io.curvefs.client.trial.TrialReport;
import io.curvefs.client.trial.VolumeTrial;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What {@code bench/volume} runs once it has installed and built. */
@Command(
    name = "volume-trial",
    hidden = true,
    description = {
      "Try a file system on a volume, in an installation of its own: three metaservers, two mounts, a",
      "sparse file. It is filled to the last block, emptied by half and filled again; files are changed",
      "at random, and moved by 'curvefs volume defrag', and compared with a model; metaservers, mounts and",
      "defragmentations are killed meanwhile, and after each kill every block must have one owner or none. Exits with 1 when a block is lost or given twice,",
      "or a byte is wrong. Takes some minutes. Ends and removes all it started."
    },
    mixinStandardHelpOptions = true)
final class VolumeTrialCommand implements Callable<Integer> {
  @Option(
      names = "--fill-rounds",
      paramLabel = "N",
      defaultValue = "2",
      description = "How often the volume is filled. Default: ${DEFAULT-VALUE}")
  private int fillRounds;

  @Option(
      names = "--kills",
      paramLabel = "N",
      defaultValue = "16",
      description = "Of metaservers and mounts, in all. Default: ${DEFAULT-VALUE}")
  private int kills;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "60",
      description = "Of random changes, or as long as the kills take. Default: ${DEFAULT-VALUE}")
  private int seconds;

  @Option(
      names = "--volume-mib",
      paramLabel = "N",
      defaultValue = "1024",
      description = "Of the volume. Default: ${DEFAULT-VALUE}")
  private int volumeMib;

  @Option(
      names = "--sparse-gib",
      paramLabel = "N",
      defaultValue = "100",
      description =
          "Length of the file that is truncated, of which 2 MiB of each GiB are written. Default:"
              + " ${DEFAULT-VALUE}")
  private int sparseGib;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Of everything that is random. Default: another one each time")
  private @Nullable Long seed;

  @Mixin private MeasuringPlace place;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    TrialReport report;
    Home home = Home.ofThisProcess();
    try (VolumeTrial trial = new VolumeTrial(options(), home, VolumeTrialCommand::say)) {
      report = trial.run();
    }
    if (json) {
      Json.print(report.values());
    } else {
      System.out.print(report.text());
    }
    return report.anythingWrong() ? 1 : 0;
  }

  private static void say(String step) {
    System.err.println(step);
  }

  private TrialOptions options() {
    return new TrialOptions(
        place.directory("volume-trial"),
        place.keep(),
        volumeMib,
        fillRounds,
        kills,
        seconds,
        sparseGib,
        seed != null ? seed : System.currentTimeMillis());
  }
}

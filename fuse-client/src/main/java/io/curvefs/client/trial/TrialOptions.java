package io.curvefs.client.trial;

import java.nio.file.Path;

/**
 * What to try.
 *
 * @param directory of everything that is needed meanwhile; made if missing
 * @param keep leave it behind
 * @param volumeMib of the volume
 * @param fillRounds how often the volume is filled
 * @param kills of servers and mounts, in all
 * @param seconds of random changes at least
 * @param sparseGib length of the file that is truncated
 * @param seed of everything that is random
 */
public record TrialOptions(
    Path directory,
    boolean keep,
    int volumeMib,
    int fillRounds,
    int kills,
    int seconds,
    int sparseGib,
    long seed) {
  private static final int VOLUME_MIB_MIN = 512;
  private static final int VOLUME_MIB_MAX = 1 << 20;
  private static final int COUNT_MAX = 1_000_000;
  private static final int SPARSE_GIB_MAX = 1 << 10;

  public TrialOptions {
    require("--volume-mib", volumeMib, VOLUME_MIB_MIN, VOLUME_MIB_MAX);
    require("--fill-rounds", fillRounds, 0, COUNT_MAX);
    require("--kills", kills, 0, COUNT_MAX);
    require("--seconds", seconds, 0, COUNT_MAX);
    require("--sparse-gib", sparseGib, 1, SPARSE_GIB_MAX);
    if (directory.toString().matches(".*[\\s,].*")) {
      throw new IllegalArgumentException(
          "--data " + directory + ": blanks and commas are not possible in mount options");
    }
  }

  private static void require(String option, int value, int min, int max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          option + " must be " + min + " to " + max + ", not " + value);
    }
  }
}

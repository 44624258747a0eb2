package io.curvefs.client.warmup;

import io.curvefs.cache.CacheTier;
import io.curvefs.cache.TierRoom;
import java.util.Locale;

/** What a tier can take, beside what a job needs. */
record Room(CacheTier tier, TierRoom room) {
  private static final long DISK_BLOCK_BYTES = 4096;
  private static final String UNITS = "KMGTP";
  private static final int STEP = 1024;

  long max() {
    return room.bytesMax();
  }

  long obtainable() {
    return room.bytesObtainable();
  }

  /** Room that files take: on disk, whole disk blocks and what is kept beside the content. */
  long charge(long bytes, long files) {
    return switch (tier) {
      // On average a file's last disk block is half full; checksums are a thousandth.
      case DISK -> bytes + bytes / STEP + files * (DISK_BLOCK_BYTES / 2);
      case MEMCACHED -> bytes + bytes / STEP + files * Byte.SIZE;
    };
  }

  /** There is no room at all. */
  String none() {
    return switch (tier) {
      case DISK ->
          "the disk cache can take nothing: the mount's log says what is wrong with its directories"
              + " (or go on with --force)";
      case MEMCACHED ->
          "none of the memcached servers answers: 'curvefs cachecluster list' tells how each is (or"
              + " go on with --force)";
    };
  }

  String tooSmallFor(long needed) {
    return switch (tier) {
      case DISK ->
          "needs "
              + text(needed)
              + ", the disk cache can take "
              + text(obtainable())
              + ": mount with a larger cache_size, evict what is pinned, warm less, or go on with"
              + " --force";
      case MEMCACHED ->
          "needs "
              + text(needed)
              + ", the memcached servers can take "
              + text(obtainable())
              + ": give them more memory, add servers, warm less, or go on with --force";
    };
  }

  private static String text(long bytes) {
    double value = bytes;
    int power = 0;
    while (value >= STEP && power < UNITS.length()) {
      value /= STEP;
      power++;
    }
    return power == 0
        ? bytes + " B"
        : String.format(Locale.ROOT, "%.1f %siB", value, UNITS.charAt(power - 1));
  }
}

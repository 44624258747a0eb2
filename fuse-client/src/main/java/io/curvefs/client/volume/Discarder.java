package io.curvefs.client.volume;

import com.google.protobuf.ByteString;
import io.curvefs.error.RefusedException;
import io.curvefs.proto.Discard;
import io.curvefs.proto.Discards;
import io.curvefs.space.BlockRange;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Discards freed blocks on their volumes for the metaservers, which cannot reach them, before they
 * are given out again. Whoever is handed some begins to discard them within a quarter of the
 * quarantine since it asked, or not at all: later, somebody else's bytes may be there. One thread.
 */
final class Discarder {
  private static final Logger log = LoggerFactory.getLogger(Discarder.class);

  /** Ranges of one answer. */
  private static final int RANGES_MAX = 4000;

  /** Longest range of one operation: 1 GiB. */
  private static final int BLOCKS_MAX = 1 << 18;

  /** Between two questions to a group in which nothing rests. */
  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final VolumeMeta meta;
  private final VolumeDevices devices;
  private final Freshness freshness;
  private final LongSupplier nanoTime;

  private final Map<Integer, Group> groups = new HashMap<>();

  private static final class Group {
    List<ByteString> done = new ArrayList<>();
    boolean resting;
    long askedAt;
  }

  Discarder(VolumeMeta meta, VolumeDevices devices, Freshness freshness, LongSupplier nanoTime) {
    this.meta = meta;
    this.devices = devices;
    this.freshness = freshness;
    this.nanoTime = nanoTime;
  }

  /** Asks where something may have come up, and does what there is. To be called every second. */
  void round() {
    for (int number : meta.groups()) {
      Group group = groups.get(number);
      if (group == null) {
        group = new Group();
        group.resting = true; // as far as we know
        groups.put(number, group);
      }
      boolean due = nanoTime.getAsLong() - group.askedAt >= IDLE_NANOS;
      if (group.resting || due) {
        try {
          ask(number, group);
        } catch (RefusedException e) {
          log.debug("group {}: nothing to discard now: {}", number, e.getMessage());
          group.done.clear(); // whoever leads it now may not know of them
        }
      }
    }
  }

  private void ask(int number, Group group) throws RefusedException {
    Discards answer;
    do {
      long asked = nanoTime.getAsLong();
      group.askedAt = asked;
      answer = meta.discards(number, group.done, RANGES_MAX);
      group.resting = answer.getResting() > 0;
      group.done = new ArrayList<>();
      if (discard(answer.getHandedList(), asked)) {
        answer.getHandedList().forEach(one -> group.done.add(one.getKey()));
      }
    } while (answer.getHandedCount() > 0 && !Thread.currentThread().isInterrupted());
  }

  /**
   * Discards what there is time for; the rest is given out as it is.
   *
   * @return whether nothing is under way: what a device was asked in vain it may still do
   */
  private boolean discard(List<Discard> handed, long asked) {
    for (BlockRange range : merged(handed)) {
      if (!freshness.mayDiscard(asked)) {
        log.debug("the rest of {} ranges stays: too late to discard it", handed.size());
        return true;
      }
      try {
        devices.discard(range);
      } catch (IOException e) {
        log.warn("blocks {} could not be discarded: {}", range, e.getMessage());
        return false;
      }
    }
    return true;
  }

  private static List<BlockRange> merged(List<Discard> handed) {
    List<BlockRange> sorted =
        handed.stream()
            .map(one -> new BlockRange(one.getRange().getAddress(), one.getRange().getCount()))
            .sorted(Comparator.comparingLong(BlockRange::address))
            .toList();
    List<BlockRange> merged = new ArrayList<>();
    BlockRange last = null;
    for (BlockRange range : sorted) {
      if (last != null
          && last.address() + last.count() == range.address()
          && last.count() + range.count() <= BLOCKS_MAX) {
        last = new BlockRange(last.address(), last.count() + range.count());
        merged.set(merged.size() - 1, last);
      } else {
        last = range;
        merged.add(range);
      }
    }
    return merged;
  }
}

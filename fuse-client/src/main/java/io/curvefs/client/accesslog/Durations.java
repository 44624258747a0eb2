package io.curvefs.client.accesslog;

import java.util.Arrays;

/**
 * How often which time was taken: exact below 64 µs, above that 32 buckets for each doubling, so
 * that a percentile is at most 1/32 too high. Holds only the buckets from the least to the greatest
 * time. One thread.
 */
final class Durations {
  /** Buckets for each doubling: 2 to the power of this. */
  private static final int PRECISION = 5;

  private long[] counts = {};

  /** Bucket that the first of the counts is of. */
  private int first;

  private long count;
  private long total;

  /**
   * @param micros not negative
   */
  void add(long micros) {
    int bucket = bucket(micros);
    cover(bucket);
    counts[bucket - first]++;
    count++;
    total += micros;
  }

  private void cover(int bucket) {
    if (counts.length == 0) {
      first = bucket;
      counts = new long[1];
    } else if (bucket < first) {
      long[] wider = new long[first - bucket + counts.length];
      System.arraycopy(counts, 0, wider, first - bucket, counts.length);
      counts = wider;
      first = bucket;
    } else if (bucket >= first + counts.length) {
      counts = Arrays.copyOf(counts, bucket - first + 1);
    }
  }

  private static int bucket(long micros) {
    int shift = Math.max(0, Long.SIZE - 1 - Long.numberOfLeadingZeros(micros) - PRECISION);
    return (shift << PRECISION) + (int) (micros >> shift);
  }

  /** The greatest time that falls into a bucket. */
  private static long upperEnd(int bucket) {
    int shift = Math.max(0, (bucket >> PRECISION) - 1);
    return ((long) (bucket - (shift << PRECISION) + 1) << shift) - 1;
  }

  long count() {
    return count;
  }

  /** Microseconds of all. */
  long total() {
    return total;
  }

  /**
   * The time in microseconds that so many percent of all did not exceed (nearest rank).
   *
   * @param percent 1 to 100
   */
  long percentile(int percent) {
    long left = (count * percent + 99) / 100;
    for (int i = 0; i < counts.length; i++) {
      left -= counts[i];
      if (left <= 0) {
        return upperEnd(first + i);
      }
    }
    return 0;
  }
}

package io.curvefs.client.bench;

import java.util.Arrays;
import java.util.stream.LongStream;

/** How long each operation of one thread took. Owned by that thread. */
final class Latencies {
  private final long[] nanos;
  private int count;

  Latencies(int operationsMax) {
    nanos = new long[operationsMax];
  }

  /** An operation that began at this {@link System#nanoTime} ends now. */
  void addSince(long began) {
    nanos[count++] = System.nanoTime() - began;
  }

  int count() {
    return count;
  }

  LongStream nanos() {
    return Arrays.stream(nanos, 0, count);
  }
}

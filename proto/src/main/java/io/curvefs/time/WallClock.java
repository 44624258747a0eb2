package io.curvefs.time;

import io.curvefs.proto.Timestamp;
import java.time.Instant;

/** Tells the time of day for file times. Thread-safe. */
@FunctionalInterface
public interface WallClock {
  WallClock SYSTEM = () -> of(Instant.now());

  Timestamp now();

  static Timestamp of(Instant instant) {
    return Timestamp.newBuilder()
        .setSeconds(instant.getEpochSecond())
        .setNanos(instant.getNano())
        .build();
  }
}

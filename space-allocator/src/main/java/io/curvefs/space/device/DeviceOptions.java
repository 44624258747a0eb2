package io.curvefs.space.device;

import java.time.Duration;

/**
 * How a device is used.
 *
 * @param timeout bound of every operation, reconnections included; 1 second to 1 hour
 * @param connectionsMax connections to a server that allows several, 1 to 64
 */
public record DeviceOptions(Duration timeout, int connectionsMax) {
  /** 30 seconds, four connections. */
  public static final DeviceOptions DEFAULT = new DeviceOptions(Duration.ofSeconds(30), 4);

  /** Checks the ranges. */
  public DeviceOptions {
    if (timeout.compareTo(Duration.ofSeconds(1)) < 0
        || timeout.compareTo(Duration.ofHours(1)) > 0) {
      throw new IllegalArgumentException(
          "the bound of a volume's operations is 1 second to 1 hour, not " + timeout);
    }
    if (connectionsMax < 1 || connectionsMax > 64) {
      throw new IllegalArgumentException("1 to 64 connections, not " + connectionsMax);
    }
  }

  /** The same with another bound. */
  public DeviceOptions withTimeout(Duration bound) {
    return new DeviceOptions(bound, connectionsMax);
  }

  /** The same with another number of connections. */
  public DeviceOptions withConnectionsMax(int connections) {
    return new DeviceOptions(timeout, connections);
  }
}

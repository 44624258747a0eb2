package io.curvefs.client.meta;

import java.time.Duration;

/**
 * How metadata is asked for and kept.
 *
 * @param attributeTimeout how long attributes may be answered from memory
 * @param entryTimeout how long a name may be
 * @param negativeTimeout how long the absence of a name may be
 * @param openCache how long what a metaserver said of a file may be used by opens for reading;
 *     zero: each open asks, so that it sees what others closed before
 * @param operationMax how long one operation may wait for the metaservers, elections included
 */
public record MetaOptions(
    Duration attributeTimeout,
    Duration entryTimeout,
    Duration negativeTimeout,
    Duration openCache,
    Duration operationMax) {
  public static final MetaOptions DEFAULTS =
      new MetaOptions(
          Duration.ofSeconds(1),
          Duration.ofSeconds(1),
          Duration.ZERO,
          Duration.ZERO,
          Duration.ofSeconds(60));

  public MetaOptions {
    if (attributeTimeout.isNegative()
        || entryTimeout.isNegative()
        || negativeTimeout.isNegative()
        || openCache.isNegative()) {
      throw new IllegalArgumentException("timeouts must not be negative");
    }
    if (operationMax.toMillis() < 1000) {
      throw new IllegalArgumentException("meta_timeout must be at least 1 second");
    }
  }
}

package io.curvefs.cache.memcached;

/**
 * Where a memcached server listens.
 *
 * @param host name or address; every mount must write it alike, for it decides where blocks go
 * @param port 1 to 65535
 */
public record MemcachedServer(String host, int port) {
  public MemcachedServer {
    if (host.isBlank() || port < 1 || port > 65_535) {
      throw new IllegalArgumentException("not a memcached server: " + host + ":" + port);
    }
  }

  /** {@code host:port}, an IPv6 address in brackets. */
  @Override
  public String toString() {
    return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
  }
}

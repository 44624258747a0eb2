package io.curvefs.cache;

/** A tier that outlives the mount's process, and that a warmup can fill ahead of time. */
public enum CacheTier {
  /** The cache directories of this host. */
  DISK,

  /** The memcached servers that every host of the file system shares. */
  MEMCACHED
}

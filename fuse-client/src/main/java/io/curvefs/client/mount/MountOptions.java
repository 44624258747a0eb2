package io.curvefs.client.mount;

import io.curvefs.client.meta.MetaOptions;
import io.curvefs.rpc.HostPort;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The options of a mount, as {@code -o} takes them; {@code mount.curvefs --help} lists them.
 *
 * @param diskCache options of the disk cache
 * @param memoryCacheBytes most bytes of blocks in memory
 * @param writeBufferBytes most bytes that are written but not yet in the object store
 * @param readAheadBytes how far a sequential read is run ahead of
 * @param readOnly refuse changes
 * @param noOpen the kernel opens files for reading without asking
 * @param subDirectory path of the directory to show as the root; "/" for the whole file system
 * @param memcached use the memcached cluster that the file system is bound to
 * @param meta timeouts of metadata
 * @param objectStoreMax how long one object may take, retries included
 * @param threads that answer the kernel
 * @param allowOther other users may enter
 * @param writeback the write-back journal
 * @param passed on to the kernel
 * @param metrics where Prometheus may read; null: nowhere
 * @param accessLog file that gets a line for each request of the kernel; null: none
 */
public record MountOptions(
    DiskCacheOptions diskCache,
    long memoryCacheBytes,
    long writeBufferBytes,
    long readAheadBytes,
    boolean readOnly,
    boolean noOpen,
    String subDirectory,
    boolean memcached,
    MetaOptions meta,
    Duration objectStoreMax,
    int threads,
    boolean allowOther,
    WritebackOptions writeback,
    List<String> passed,
    @Nullable HostPort metrics,
    @Nullable Path accessLog) {
  private static final long MEMORY_BYTES_MIN = 16L << 20;
  private static final int THREADS_DEFAULT = 32;

  /** Meant for the kernel: handed on. */
  private static final Set<String> KERNEL =
      Set.of(
          "suid", "nosuid", "dev", "nodev", "exec", "noexec", "sync", "async", "dirsync", "atime",
          "noatime");

  /** Meant for mount(8), fstab(5) or systemd.mount(5): nothing to do. */
  private static final Set<String> IGNORED =
      Set.of(
          "rw",
          "defaults",
          "auto",
          "noauto",
          "user",
          "nouser",
          "users",
          "owner",
          "group",
          "_netdev",
          "nofail",
          "relatime",
          "norelatime",
          "strictatime",
          "nostrictatime",
          "lazytime",
          "nolazytime",
          "diratime",
          "nodiratime",
          "log_file",
          "default_permissions",
          "loud",
          "silent");

  public MountOptions {
    passed = List.copyOf(passed);
    if (writeBufferBytes < MEMORY_BYTES_MIN || memoryCacheBytes < MEMORY_BYTES_MIN) {
      throw new IllegalArgumentException(
          "options write_buffer and memory_cache must be at least 16M each");
    }
    if (readOnly && writeback.enabled()) {
      throw new IllegalArgumentException("options ro and writeback contradict");
    }
    if (noOpen && !readOnly) {
      throw new IllegalArgumentException("option no_open needs option ro");
    }
    if (!subDirectory.startsWith("/")) {
      throw new IllegalArgumentException("option subdir must begin with '/': " + subDirectory);
    }
    if (accessLog != null && !accessLog.isAbsolute()) {
      throw new IllegalArgumentException("option access_log must begin with '/': " + accessLog);
    }
  }

  /**
   * Parses what stands behind {@code -o}.
   *
   * @param text options separated by commas; empty: all defaults
   * @param privileged the mounting user is root, who may let others in
   * @param home of the mounting user, for the cache
   * @throws IllegalArgumentException naming the option that is unknown or wrong
   */
  public static MountOptions parse(String text, boolean privileged, Path home) {
    Map<String, String> given = new TreeMap<>();
    List<String> passed = new ArrayList<>();
    for (String option : text.split(",", -1)) {
      int equals = option.indexOf('=');
      String name = equals < 0 ? option : option.substring(0, equals);
      if (KERNEL.contains(option)) {
        passed.add(option);
      } else if (!option.isEmpty() && !IGNORED.contains(name) && !name.startsWith("x-")) {
        given.put(name, equals < 0 ? "" : option.substring(equals + 1));
      }
    }
    Path cacheDefault = privileged ? Path.of("/var/cache/curvefs") : home.resolve(".cache/curvefs");
    MetaOptions defaults = MetaOptions.DEFAULTS;
    DiskCacheOptions diskCache = DiskCacheOptions.take(given, cacheDefault);
    MountOptions options =
        new MountOptions(
            diskCache,
            Sizes.bytes("memory_cache", take(given, "memory_cache", "96M")),
            Sizes.bytes("write_buffer", take(given, "write_buffer", "96M")),
            Sizes.bytes("read_ahead", take(given, "read_ahead", "32M")),
            given.remove("ro") != null,
            given.remove("no_open") != null,
            take(given, "subdir", "/"),
            given.remove("nomemcached") == null,
            new MetaOptions(
                duration(given, "attr_timeout", defaults.attributeTimeout()),
                duration(given, "entry_timeout", defaults.entryTimeout()),
                duration(given, "negative_timeout", defaults.negativeTimeout()),
                duration(given, "open_cache", defaults.openCache()),
                duration(given, "meta_timeout", defaults.operationMax())),
            duration(given, "s3_timeout", Duration.ofSeconds(60)),
            threads(take(given, "threads", Integer.toString(THREADS_DEFAULT))),
            allowOther(given, privileged),
            WritebackOptions.take(given, diskCache.directories().get(0)),
            passed,
            address(given, "metrics"),
            file(given, "access_log"));
    if (!given.isEmpty()) {
      throw new IllegalArgumentException(
          "unknown mount option '"
              + given.keySet().iterator().next()
              + "': 'mount.curvefs --help' lists those there are");
    }
    return options;
  }

  /** Takes an option that needs a value. */
  static String take(Map<String, String> given, String name, String otherwise) {
    String value = given.remove(name);
    if (value == null) {
      return otherwise;
    }
    if (value.isEmpty()) {
      throw new IllegalArgumentException("option " + name + " needs a value: " + name + "=...");
    }
    return value;
  }

  static Duration duration(Map<String, String> given, String name, Duration otherwise) {
    String value = given.remove(name);
    return value == null ? otherwise : Sizes.seconds(name, value);
  }

  private static @Nullable HostPort address(Map<String, String> given, String name) {
    if (!given.containsKey(name)) {
      return null;
    }
    try {
      return HostPort.parse(take(given, name, ""));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("option " + name + ": " + e.getMessage(), e);
    }
  }

  private static @Nullable Path file(Map<String, String> given, String name) {
    return given.containsKey(name) ? Path.of(take(given, name, "")) : null;
  }

  private static int threads(String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("option threads=" + text + " is no number", e);
    }
  }

  /** Root's mounts are for all, unless asked otherwise: who may do what, permissions say. */
  private static boolean allowOther(Map<String, String> given, boolean privileged) {
    boolean asked = given.remove("allow_other") != null;
    boolean refused = given.remove("noallow_other") != null;
    if (asked && refused) {
      throw new IllegalArgumentException("options allow_other and noallow_other contradict");
    }
    return asked || (privileged && !refused);
  }
}

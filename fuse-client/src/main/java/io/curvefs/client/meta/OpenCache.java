package io.curvefs.client.meta;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.protobuf.InvalidProtocolBufferException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.FileChunks;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What metaservers last answered of files, for opens that may be as old as that (mount option
 * {@code open_cache}). Serialized: most files have one extent, and there may be hundreds of
 * thousands. Thread-safe.
 */
final class OpenCache {
  private static final long BYTES_MAX = 64 << 20;

  /** What an entry takes beside its bytes, about. */
  private static final int ENTRY_BYTES = 160;

  private final long freshNanos;
  private final LongSupplier nanoTime;
  private final Cache<InodeId, Known> files =
      Caffeine.newBuilder()
          .maximumWeight(BYTES_MAX)
          .weigher((InodeId id, Known known) -> known.chunks.length + ENTRY_BYTES)
          .build();

  /**
   * What is known of a file.
   *
   * @param asked when it was asked for, on the monotonic clock
   */
  record Answer(FileChunks chunks, long asked) {}

  private static final class Known {
    final long version;
    final long since;
    final byte[] chunks;

    Known(long version, long since, byte[] chunks) {
      this.version = version;
      this.since = since;
      this.chunks = chunks;
    }
  }

  /**
   * @param fresh how long an answer is good enough; zero: not at all
   * @param nanoTime the monotonic clock
   */
  OpenCache(Duration fresh, LongSupplier nanoTime) {
    this.freshNanos = fresh.toNanos();
    this.nanoTime = nanoTime;
  }

  /**
   * Takes a file's attributes and first chunks, of one moment.
   *
   * @param asked when they were asked for, on the monotonic clock
   */
  void put(Attributes attributes, FileChunks chunks, long asked) {
    if (freshNanos == 0) {
      return;
    }
    Known news =
        new Known(
            attributes.version(), asked, chunks.toBuilder().clearInode().build().toByteArray());
    files
        .asMap()
        .merge(
            attributes.id(),
            news,
            (before, later) -> before.version > later.version ? before : later);
  }

  /**
   * The first chunks of a file as of the version that was last heard of; null: not known, or not
   * fresh.
   *
   * @param last the newest attributes known
   */
  @Nullable Answer find(Attributes last) {
    Known known = files.getIfPresent(last.id());
    if (known == null
        || known.version != last.version()
        || nanoTime.getAsLong() - known.since >= freshNanos) {
      return null;
    }
    try {
      return new Answer(FileChunks.parseFrom(known.chunks), known.since);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("written by this process", e);
    }
  }

  void forgetAll() {
    files.invalidateAll();
  }
}

package io.curvefs.client.meta;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.ReadReply;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Pages of directories that somebody has walked ahead of those who will list them, for as long as
 * names may be answered without asking. What this mount changes in a directory ends its pages at
 * once, and so does news of a newer version of it. Thread-safe.
 */
final class Listings {
  private static final long BYTES_MAX = 16L << 20;

  /** Directories share counters of changes: at worst, a page ends early. */
  private static final int STRIPES = 1024;

  private final LongSupplier nanoTime;
  private final long freshNanos;
  private final AtomicLongArray changes = new AtomicLongArray(STRIPES);
  private final Cache<Key, Kept> pages =
      Caffeine.newBuilder()
          .maximumWeight(BYTES_MAX)
          .weigher((Key key, Kept kept) -> kept.names.length + key.after.size() + 128)
          .build();

  private record Key(InodeId directory, ByteString after) {}

  private static final class Kept {
    final byte[] names;

    /** Of the directory. */
    final long version;

    /** Changes seen before the page was asked for. */
    final long stamp;

    final long freshUntil;

    Kept(byte[] names, long version, long stamp, long freshUntil) {
      this.names = names;
      this.version = version;
      this.stamp = stamp;
      this.freshUntil = freshUntil;
    }
  }

  /**
   * @param nanoTime the monotonic clock
   */
  Listings(Duration fresh, LongSupplier nanoTime) {
    this.freshNanos = fresh.toNanos();
    this.nanoTime = nanoTime;
  }

  private static int stripe(InodeId directory) {
    return Math.floorMod(Long.hashCode(directory.value() * 0x9E3779B97F4A7C15L), STRIPES);
  }

  /** To be taken before a page is asked for, and handed over with it. */
  long stamp(InodeId directory) {
    return changes.get(stripe(directory));
  }

  /** This mount has changed names of the directory. */
  void changed(InodeId directory) {
    changes.incrementAndGet(stripe(directory));
  }

  /** Keeps the names of a page, unless they have changed since it was asked for. */
  void put(InodeId directory, ByteString after, ReadReply page, long stamp) {
    if (freshNanos == 0 || stamp != stamp(directory)) {
      return;
    }
    ReadReply.Builder names = ReadReply.newBuilder().setEnd(page.getEnd());
    page.getEntriesList().forEach(entry -> names.addEntries(entry.toBuilder().clearInode()));
    long version = page.getInodesCount() == 0 ? 0 : page.getInodes(0).getVersion();
    pages.put(
        new Key(directory, after),
        new Kept(names.build().toByteArray(), version, stamp, nanoTime.getAsLong() + freshNanos));
  }

  /**
   * The page behind a name, its entries without inodes; null: not known.
   *
   * @param last what is known of the directory, however old
   */
  @Nullable ReadReply find(InodeId directory, ByteString after, @Nullable Attributes last) {
    Kept kept = pages.getIfPresent(new Key(directory, after));
    if (kept == null
        || kept.freshUntil - nanoTime.getAsLong() <= 0
        || kept.stamp != stamp(directory)
        || (last != null && last.version() > kept.version)) {
      return null;
    }
    try {
      return ReadReply.parseFrom(kept.names);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a page that was kept cannot be read", e);
    }
  }

  void forgetAll() {
    pages.invalidateAll();
  }
}

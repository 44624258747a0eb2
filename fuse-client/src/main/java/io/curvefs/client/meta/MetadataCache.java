package io.curvefs.client.meta;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.protobuf.ByteString;
import io.curvefs.id.InodeId;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Names and attributes that may be answered without asking, for as long as the mount's timeouts
 * allow. What a directory listing brought may, beyond that, be used once by the stats that follow
 * the listing without a pause: {@code ls -l} of a large directory asks nothing per entry.
 * Thread-safe.
 */
public final class MetadataCache {
  /** About 260 bytes of heap each. */
  private static final int ATTRIBUTES_MAX = 500_000;

  /** The same. */
  private static final int NAMES_MAX = 500_000;

  private final LongSupplier nanoTime;
  private final long attributeNanos;
  private final long entryNanos;
  private final long negativeNanos;
  private final Cache<InodeId, KnownInode> inodes =
      Caffeine.newBuilder().maximumSize(ATTRIBUTES_MAX).build();
  private final Cache<NameKey, KnownName> names =
      Caffeine.newBuilder().maximumSize(NAMES_MAX).build();

  private record NameKey(InodeId parent, ByteString name) {}

  /**
   * @param nanoTime the monotonic clock
   */
  MetadataCache(Duration attributes, Duration entries, Duration negative, LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.attributeNanos = attributes.toNanos();
    this.entryNanos = entries.toNanos();
    this.negativeNanos = negative.toNanos();
  }

  /** A listing whose entries are being looked at one after the other. */
  public static final class Listing {
    private volatile long lastUse;
  }

  /** Something known, and until when. */
  private abstract static class Known {
    private final long freshUntil;
    private final @Nullable Listing listing;
    private volatile boolean used;

    Known(long freshUntil, @Nullable Listing listing) {
      this.freshUntil = freshUntil;
      this.listing = listing;
    }

    boolean isUsable(long now, long pauseNanosMax) {
      Listing from = listing;
      if (freshUntil - now > 0) {
        if (from != null) {
          from.lastUse = now;
        }
        return true;
      }
      if (from == null || used || now - from.lastUse > pauseNanosMax) {
        return false;
      }
      used = true;
      from.lastUse = now;
      return true;
    }
  }

  private static final class KnownInode extends Known {
    final Attributes attributes;

    KnownInode(Attributes attributes, long freshUntil, @Nullable Listing listing) {
      super(freshUntil, listing);
      this.attributes = attributes;
    }
  }

  private static final class KnownName extends Known {
    /** Null: there is no such name. */
    final @Nullable InodeId child;

    final @Nullable Listing listing;

    KnownName(@Nullable InodeId child, long freshUntil, @Nullable Listing listing) {
      super(freshUntil, listing);
      this.child = child;
      this.listing = listing;
    }
  }

  /** What a name stands for, as far as it is known. */
  record Found(@Nullable InodeId child, @Nullable Listing listing) {}

  /** Null: not known, ask. */
  @Nullable Found name(InodeId parent, ByteString name) {
    KnownName known = names.getIfPresent(new NameKey(parent, name));
    return known != null && known.isUsable(nanoTime.getAsLong(), entryNanos)
        ? new Found(known.child, known.listing)
        : null;
  }

  /** Null: not known, ask. */
  @Nullable Attributes attributes(InodeId inode) {
    KnownInode known = inodes.getIfPresent(inode);
    return known != null && known.isUsable(nanoTime.getAsLong(), attributeNanos)
        ? known.attributes
        : null;
  }

  /** The attributes last heard of, however old. */
  @Nullable Attributes lastAttributes(InodeId inode) {
    KnownInode known = inodes.getIfPresent(inode);
    return known == null ? null : known.attributes;
  }

  /** Takes news; older ones than known are passed over, since answers may overtake each other. */
  void put(Attributes attributes) {
    put(attributes, null);
  }

  void put(Attributes attributes, @Nullable Listing listing) {
    long now = nanoTime.getAsLong();
    KnownInode next = new KnownInode(attributes, now + attributeNanos, listing);
    inodes
        .asMap()
        .merge(
            attributes.id(),
            next,
            (before, news) -> before.attributes.version() > attributes.version() ? before : news);
  }

  void putName(InodeId parent, ByteString name, InodeId child) {
    putName(parent, name, child, null);
  }

  void putName(InodeId parent, ByteString name, InodeId child, @Nullable Listing listing) {
    long now = nanoTime.getAsLong();
    names.put(new NameKey(parent, name), new KnownName(child, now + entryNanos, listing));
  }

  void putAbsent(InodeId parent, ByteString name) {
    if (negativeNanos > 0) {
      long now = nanoTime.getAsLong();
      names.put(new NameKey(parent, name), new KnownName(null, now + negativeNanos, null));
    } else {
      forgetName(parent, name);
    }
  }

  Listing newListing() {
    Listing listing = new Listing();
    listing.lastUse = nanoTime.getAsLong();
    return listing;
  }

  void touch(Listing listing) {
    listing.lastUse = nanoTime.getAsLong();
  }

  void forget(InodeId inode) {
    inodes.invalidate(inode);
  }

  void forgetName(InodeId parent, ByteString name) {
    names.invalidate(new NameKey(parent, name));
  }

  void forgetAll() {
    inodes.invalidateAll();
    names.invalidateAll();
  }
}

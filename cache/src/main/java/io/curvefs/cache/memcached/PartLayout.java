package io.curvefs.cache.memcached;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.PagePool;
import java.util.List;
import java.util.UUID;

/**
 * How a block is cut into parts, and under which names they are on the servers. All parts are
 * {@link #BYTES} long but the last. Pure.
 */
final class PartLayout {
  /** Content bytes of a part. Whole pages, so that a part starts where a page starts. */
  static final int BYTES = 512 << 10;

  private static final int PAGES = BYTES / PagePool.PAGE_BYTES;

  private PartLayout() {}

  /** Parts of the block, 1 or more. */
  static int count(BlockId id) {
    return partAt(id.length() - 1) + 1;
  }

  /** The part that holds the byte at {@code offset} of its block. */
  static int partAt(int offset) {
    return offset / BYTES;
  }

  /** Content bytes of one part. */
  static int length(BlockId id, int part) {
    return Math.min(BYTES, id.length() - part * BYTES);
  }

  /**
   * Those of a block's pages that hold one part.
   *
   * @param pages of the block from the beginning of a part on
   * @param part counted from there
   */
  static <T> List<T> pagesOf(List<T> pages, int part) {
    int from = part * PAGES;
    return pages.subList(from, Math.min(pages.size(), from + PAGES));
  }

  /**
   * The name of one part: {@code cfs1:<file system, 32 hex digits>:<block>:<part>}, at most 250
   * bytes of ASCII without blanks, as memcached wants.
   */
  static String key(UUID namespace, BlockId id, int part) {
    return "cfs1:%016x%016x:%s:%d"
        .formatted(
            namespace.getMostSignificantBits(), namespace.getLeastSignificantBits(), id, part);
  }

  /** Where on the {@linkplain HashRing ring} the block, with all its parts, belongs. */
  static long hash(UUID namespace, BlockId id) {
    long hash = mix(namespace.getMostSignificantBits());
    hash = mix(hash ^ namespace.getLeastSignificantBits());
    hash = mix(hash ^ id.slice());
    return mix(hash ^ ((long) id.index() << 32 | id.length()));
  }

  /** The finalizer of MurmurHash3: each bit of the input changes half of the output. */
  private static long mix(long bits) {
    long mixed = (bits ^ bits >>> 33) * 0xff51afd7ed558ccdL;
    mixed = (mixed ^ mixed >>> 33) * 0xc4ceb9fe1a85ec53L;
    return mixed ^ mixed >>> 33;
  }
}

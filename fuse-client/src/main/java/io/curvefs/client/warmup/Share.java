package io.curvefs.client.warmup;

import io.curvefs.id.InodeId;
import io.curvefs.slice.Layout;

/**
 * The part of all chunks that one of several hosts takes, so that each chunk has exactly one host.
 * Long files are spread over all of them.
 *
 * @param host 1 to {@code hosts}
 * @param hosts 1 to 10,000
 */
public record Share(int host, int hosts) {
  /** Everything. */
  public static final Share ALL = new Share(1, 1);

  private static final int HOSTS_MAX = 10_000;

  public Share {
    if (hosts < 1 || hosts > HOSTS_MAX || host < 1 || host > hosts) {
      throw new IllegalArgumentException(
          "a share is I/N with I from 1 to N and N up to " + HOSTS_MAX + ": " + host + "/" + hosts);
    }
  }

  /** Reads {@code I/N}. */
  public static Share parse(String text) {
    int slash = text.indexOf('/');
    try {
      return new Share(
          Integer.parseInt(text.substring(0, Math.max(0, slash))),
          Integer.parseInt(text.substring(slash + 1)));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("a share is I/N, such as 1/4: " + text, e);
    }
  }

  /** Whether this host takes the chunk. The same on every host, for ever. */
  public boolean has(InodeId inode, int chunk) {
    return hosts == 1 || Math.floorMod(mixed(inode.value() * 31 + chunk), hosts) == host - 1;
  }

  /** The finalizer of MurmurHash3: neighbours land far apart. */
  private static long mixed(long value) {
    long h = value;
    h = (h ^ (h >>> 33)) * 0xff51afd7ed558ccdL;
    h = (h ^ (h >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return h ^ (h >>> 33);
  }

  /** Bytes of a file of this length in this share; -1 when no chunk of it is. */
  public long bytesOf(InodeId inode, long length) {
    if (hosts == 1) {
      return length;
    }
    long sum = 0;
    boolean any = false;
    int chunks = Math.max(1, Layout.chunkCount(length));
    for (int chunk = 0; chunk < chunks; chunk++) {
      if (has(inode, chunk)) {
        any = true;
        sum += Math.min(Layout.CHUNK_BYTES, length - (long) chunk * Layout.CHUNK_BYTES);
      }
    }
    return any ? sum : -1;
  }

  @Override
  public String toString() {
    return host + "/" + hosts;
  }
}

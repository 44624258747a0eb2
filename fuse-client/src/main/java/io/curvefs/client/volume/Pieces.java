package io.curvefs.client.volume;

import io.curvefs.proto.BlockExtent;
import java.util.List;

/**
 * Counts the pieces in which blocks of a file lie on their volumes: a piece ends where what follows
 * in the file lies elsewhere. A hole ends none. For one thread.
 */
public final class Pieces {
  private long behind;
  private long count;
  private long blocks;

  /** What lies behind everything added before, in the file. */
  public void add(long address, int number) {
    if (address != behind) {
      count++;
    }
    behind = address + number;
    blocks += number;
  }

  /** As {@link #add(long, int)}, for extents in the order of their places. */
  public void add(List<BlockExtent> extents) {
    extents.forEach(extent -> add(extent.getAddress(), extent.getCount()));
  }

  public long count() {
    return count;
  }

  public long blocks() {
    return blocks;
  }
}

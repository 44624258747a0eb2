package io.curvefs.space.group;

import io.curvefs.space.BlockGroupId;

/**
 * What is known of one block group.
 *
 * @param blocks how long it is
 * @param free how many of them are free
 * @param closed whether it gives no new space
 */
public record GroupUsage(BlockGroupId id, int blocks, int free, boolean closed) {
  public boolean isEmpty() {
    return free == blocks;
  }
}

package io.curvefs.space.group;

import io.curvefs.space.BlockRange;
import org.jspecify.annotations.Nullable;

/**
 * How much space is wanted, and what it is for.
 *
 * @param blocks 1 or more
 * @param behind the last range of the file that grows, or null: it has none
 * @param growing whether the file will want more space behind this. Then room to grow counts for
 *     more than filling a gap
 * @param rangesMax 1 or more. Where free space is so scattered that more ranges were needed, there
 *     is less space in the answer
 */
public record SpaceRequest(
    int blocks, @Nullable BlockRange behind, boolean growing, int rangesMax) {
  public SpaceRequest {
    if (blocks <= 0 || rangesMax <= 0) {
      throw new IllegalArgumentException(
          "not a request for space: " + blocks + " blocks in " + rangesMax + " ranges");
    }
  }

  /** All that a new file needs, in as many ranges as it takes. */
  public static SpaceRequest of(int blocks) {
    return new SpaceRequest(blocks, null, false, Integer.MAX_VALUE);
  }

  /** The same for a file that ends with a range. */
  public SpaceRequest behind(BlockRange last) {
    return new SpaceRequest(blocks, last, growing, rangesMax);
  }

  /** The same for a file that will want more. */
  public SpaceRequest andMore() {
    return new SpaceRequest(blocks, behind, true, rangesMax);
  }

  /** The same in no more than so many ranges. */
  public SpaceRequest inRanges(int max) {
    return new SpaceRequest(blocks, behind, growing, max);
  }
}

package io.curvefs.metaserver.space;

/**
 * How many blocks somebody wants.
 *
 * @param blocks that would be used sooner or later
 * @param blocksMin that are needed now, 1 to {@code blocks}
 * @param behind address of a block behind which they are best; 0: anywhere
 * @param rangesMax in how many ranges at most, 1 or more
 * @param whole all of {@code blocksMin} in these ranges, or none
 */
public record Want(int blocks, int blocksMin, long behind, int rangesMax, boolean whole) {
  public Want {
    if (blocksMin <= 0 || blocks < blocksMin || behind < 0 || rangesMax <= 0) {
      throw new IllegalArgumentException(
          blocksMin + " to " + blocks + " blocks in " + rangesMax + " ranges behind " + behind);
    }
  }
}

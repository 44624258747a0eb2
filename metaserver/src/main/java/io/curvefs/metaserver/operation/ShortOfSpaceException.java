package io.curvefs.metaserver.operation;

import java.io.Serial;

/** The group has too few free blocks of a pool set: more are to be got first. */
public final class ShortOfSpaceException extends CannotPlanYetException {
  @Serial private static final long serialVersionUID = 1;

  private final String poolSet;
  private final int blocks;

  /**
   * @param blocks that are needed
   */
  public ShortOfSpaceException(String poolSet, int blocks) {
    super("short of space");
    this.poolSet = poolSet;
    this.blocks = blocks;
  }

  public String poolSet() {
    return poolSet;
  }

  public int blocks() {
    return blocks;
  }
}

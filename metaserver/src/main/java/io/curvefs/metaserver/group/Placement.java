package io.curvefs.metaserver.group;

import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;

/** Where partitions live, as far as this server knows. Thread-safe. */
public interface Placement {
  /**
   * The group that holds a partition.
   *
   * @throws RefusedException NO_SUCH_FILE_SYSTEM or WRONG_GROUP when this server knows none
   */
  GroupId groupOf(int fileSystem, int partition) throws RefusedException;

  /** A partition for a new directory: the emptier, the likelier. */
  int choosePartition(int fileSystem) throws RefusedException;
}

package io.curvefs.metaserver.group;

import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.proto.VolumeStorage;
import org.jspecify.annotations.Nullable;

/** Where partitions live, as far as this server knows. Thread-safe. */
public interface Placement {
  /**
   * The group that holds a partition.
   *
   * @throws RefusedException BUSY when this server does not know the file system (yet), BAD_REQUEST
   *     when it has no such partition
   */
  GroupId groupOf(int fileSystem, int partition) throws RefusedException;

  /**
   * A partition for a new directory: the emptier, the likelier.
   *
   * @throws RefusedException BUSY when this server does not know the file system (yet)
   */
  int choosePartition(int fileSystem) throws RefusedException;

  /**
   * The volumes of a file system.
   *
   * @return null: its file data is in an object store
   * @throws RefusedException BUSY when this server does not know the file system (yet)
   */
  @Nullable VolumeStorage volumes(int fileSystem) throws RefusedException;
}

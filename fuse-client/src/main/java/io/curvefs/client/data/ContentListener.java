package io.curvefs.client.data;

import io.curvefs.id.InodeId;

/** Hears of changes that this mount itself has made to a file's bytes. Must not block. */
@FunctionalInterface
public interface ContentListener {
  /**
   * @param dataVersion the file's since the change; the one before it is what the change was made
   *     on, unless another mount has changed the file in between
   */
  void changedHere(InodeId inode, long dataVersion);
}

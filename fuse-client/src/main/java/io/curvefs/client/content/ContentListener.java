package io.curvefs.client.content;

import io.curvefs.id.InodeId;

/** Hears of what this mount itself has done to a file's bytes. Must not block. */
public interface ContentListener {
  /**
   * @param dataVersion the file's since the change; the one before it is what the change was made
   *     on, unless another mount has changed the file in between
   */
  void changedHere(InodeId inode, long dataVersion);

  /** Bytes that were written here, and may have been seen here, are lost. */
  void lostHere(InodeId inode);
}

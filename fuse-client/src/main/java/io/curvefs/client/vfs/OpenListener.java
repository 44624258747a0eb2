package io.curvefs.client.vfs;

import io.curvefs.id.InodeId;

/** Hears of who reads what. Called within the open and the close: must not block. */
public interface OpenListener {
  /** A handle of the file was opened. */
  void opened(InodeId inode);

  /** The file's last handle was closed. */
  void closed(InodeId inode);
}

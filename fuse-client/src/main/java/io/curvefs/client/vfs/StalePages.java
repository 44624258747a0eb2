package io.curvefs.client.vfs;

import io.curvefs.id.InodeId;

/** Hears which files' pages the asking side must not use any more. Must not block. */
@FunctionalInterface
public interface StalePages {
  void stale(InodeId inode);
}

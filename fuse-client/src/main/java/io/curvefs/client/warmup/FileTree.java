package io.curvefs.client.warmup;

import com.google.protobuf.ByteString;
import io.curvefs.client.data.BlockLists.FilePart;
import io.curvefs.client.meta.Attributes;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The mounted file system as a warmup sees it. What is looked at stays known to the mount for its
 * timeouts. Thread-safe; every call ends within the bound of a metadata operation.
 */
interface FileTree {
  /** The directory that the mount shows as its root. */
  Attributes root() throws RefusedException;

  /** Whatever a name stands for; ENOENT when there is none. */
  Attributes child(InodeId parent, ByteString name) throws RefusedException;

  /**
   * A name with what it stands for.
   *
   * @param attributes null: gone since
   */
  record Child(ByteString name, @Nullable Attributes attributes) {}

  /** Some names of a directory, in its order. */
  record Page(List<Child> children, boolean last) {}

  /** The names behind {@code after} (empty: from the first). */
  Page list(InodeId directory, ByteString after) throws RefusedException;

  /** The first part of each of the files that still exist, as far as they are in the share. */
  List<FilePart> firstParts(Collection<InodeId> files, Share share) throws RefusedException;

  /** The part of a long file that begins with a chunk; ENOENT when it is gone. */
  FilePart partFrom(InodeId file, int chunk, Share share) throws RefusedException;
}

package io.curvefs.client.vfs;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Files that are read by an asking side that does not tell when it opens and closes them. A file is
 * opened for it by its first read and closed when it was read to its end, or when {@link
 * #FILES_MAX} others have been read since. Thread-safe.
 */
final class UnopenedFiles {
  /** How many stay open that were read in part. */
  static final int FILES_MAX = 4096;

  private final Opener opener;
  private final OpenFiles files;

  /** In the order of their last use. */
  @GuardedBy("this")
  private final Map<InodeId, Use> open = new LinkedHashMap<>(64, 0.75f, true);

  @FunctionalInterface
  interface Opener {
    /** Opens for reading, as it is now or was heard of lately; returns the handle. */
    long open(InodeId inode) throws RefusedException;
  }

  /** A handle, and who reads by it now. */
  static final class Use {
    private final InodeId inode;
    private final long handle;
    private int readers;
    private boolean over;

    private Use(InodeId inode, long handle) {
      this.inode = inode;
      this.handle = handle;
    }

    long handle() {
      return handle;
    }
  }

  UnopenedFiles(OpenFiles files, Opener opener) {
    this.files = files;
    this.opener = opener;
  }

  /** Begins a read; {@link #end} follows. */
  Use begin(InodeId inode) throws IOException {
    Use known = join(inode);
    if (known != null) {
      return known;
    }
    long handle = opener.open(inode);
    List<Use> closed = new ArrayList<>();
    Use use;
    synchronized (this) {
      use = join(inode);
      if (use == null) {
        use = new Use(inode, handle);
        use.readers = 1;
        open.put(inode, use);
        takeBeyondMax(closed);
      } else {
        closed.add(new Use(inode, handle)); // another thread was faster
      }
    }
    close(closed);
    return use;
  }

  private synchronized @Nullable Use join(InodeId inode) {
    Use use = open.get(inode);
    if (use != null) {
      use.readers++;
    }
    return use;
  }

  @GuardedBy("this")
  private void takeBeyondMax(List<Use> into) {
    Iterator<Use> oldestFirst = open.values().iterator();
    while (open.size() > FILES_MAX && oldestFirst.hasNext()) {
      Use use = oldestFirst.next();
      if (use.readers == 0) {
        oldestFirst.remove();
        into.add(use);
      }
    }
  }

  /**
   * Ends a read.
   *
   * @param reachedEnd it reached the end of the file, or failed: whoever reads on begins anew
   */
  void end(Use use, boolean reachedEnd) throws IOException {
    synchronized (this) {
      use.readers--;
      use.over |= reachedEnd;
      if (use.readers > 0 || !use.over || !open.remove(use.inode, use)) {
        return;
      }
    }
    files.release(use.handle);
  }

  private void close(List<Use> uses) throws IOException {
    for (Use use : uses) {
      files.release(use.handle);
    }
  }

  /** Closes what nobody reads at the moment. */
  void closeIdle() throws IOException {
    List<Use> idle = new ArrayList<>();
    synchronized (this) {
      open.values().removeIf(use -> use.readers == 0 && idle.add(use));
    }
    close(idle);
  }
}

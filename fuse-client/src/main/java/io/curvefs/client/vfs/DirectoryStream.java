package io.curvefs.client.vfs;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import io.curvefs.client.meta.MetadataCache;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.DirectoryEntry;
import io.curvefs.proto.FileType;
import java.util.ArrayList;
import java.util.List;

/**
 * An open directory. Names come page by page in a fixed order; the offset of a name is its number
 * in the walk, "." and ".." first. Names that are added or removed meanwhile may or may not show,
 * no other name is left out or shown twice. Thread-safe.
 */
final class DirectoryStream {
  private static final int DOTS = 2;
  private static final ByteString DOT = ByteString.copyFromUtf8(".");
  private static final ByteString DOT_DOT = ByteString.copyFromUtf8("..");

  private final NamespaceClient namespace;
  private final InodeId directory;
  private final InodeId parent;
  private final MetadataCache.Listing listing;

  /** The name behind which each page begins, to find the way back. */
  @GuardedBy("this")
  private final List<PageStart> pages = new ArrayList<>();

  @GuardedBy("this")
  private List<DirectoryEntry> page = List.of();

  /** Number of the first name of {@link #page}. */
  @GuardedBy("this")
  private long pageNumber;

  @GuardedBy("this")
  private boolean lastPage;

  @GuardedBy("this")
  private boolean begun;

  private record PageStart(long number, ByteString after) {}

  /** Takes names until it is full. */
  @FunctionalInterface
  interface Visitor {
    /**
     * @param next offset of the name behind this one
     * @return false when it could not take this one
     */
    boolean visit(ByteString name, InodeId inode, FileType type, long next);
  }

  DirectoryStream(NamespaceClient namespace, InodeId directory, InodeId parent) {
    this.namespace = namespace;
    this.directory = directory;
    this.parent = parent;
    this.listing = namespace.beginListing();
  }

  InodeId directory() {
    return directory;
  }

  synchronized void read(long offset, Visitor visitor) throws RefusedException {
    long at = offset;
    if (at == 0) {
      begun = false; // rewinddir(3) wants to see what is new
      if (!visitor.visit(DOT, directory, FileType.DIRECTORY, ++at)) {
        return;
      }
    }
    if (at == 1 && !visitor.visit(DOT_DOT, parent, FileType.DIRECTORY, ++at)) {
      return;
    }
    while (turnTo(at - DOTS)) {
      DirectoryEntry entry = page.get((int) (at - DOTS - pageNumber));
      InodeId child = new InodeId(entry.getDentry().getChild());
      if (!visitor.visit(entry.getName(), child, entry.getDentry().getType(), ++at)) {
        return;
      }
    }
  }

  /** Makes the page with this name the current one; false: there is no such name any more. */
  @GuardedBy("this")
  private boolean turnTo(long number) throws RefusedException {
    if (!begun) {
      pages.clear();
      begun = true;
      load(new PageStart(0, ByteString.EMPTY));
    }
    if (number < pageNumber) {
      int back = pages.size() - 1;
      while (pages.get(back).number > number) {
        back--;
      }
      PageStart start = pages.get(back);
      pages.subList(back, pages.size()).clear();
      load(start);
    }
    while (number >= pageNumber + page.size()) {
      if (lastPage || page.isEmpty()) {
        return false;
      }
      load(new PageStart(pageNumber + page.size(), page.get(page.size() - 1).getName()));
    }
    return true;
  }

  @GuardedBy("this")
  private void load(PageStart start) throws RefusedException {
    NamespaceClient.Page loaded = namespace.list(directory, start.after, listing);
    pages.add(start);
    page = loaded.entries();
    pageNumber = start.number;
    lastPage = loaded.last();
  }

  void close() {
    namespace.endListing(listing);
  }
}

package io.curvefs.client.vfs;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import io.curvefs.client.meta.MetadataCache;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.siblings.SiblingReadAhead;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.DirectoryEntry;
import io.curvefs.proto.FileType;
import org.jspecify.annotations.Nullable;

/**
 * An open directory. Names come page by page in a fixed order; the offset of a name is its number
 * in the walk, "." and ".." first. A name keeps its number until the walk begins anew, so that
 * seekdir(3) leads back to the same place whatever was removed meanwhile. Names that are added or
 * removed meanwhile may or may not show, no other name is left out or shown twice. Thread-safe.
 */
final class DirectoryStream {
  private static final int DOTS = 2;
  private static final ByteString DOT = ByteString.copyFromUtf8(".");
  private static final ByteString DOT_DOT = ByteString.copyFromUtf8("..");

  private final NamespaceClient namespace;
  private final SiblingReadAhead siblings;
  private final InodeId directory;
  private final InodeId parent;
  private final MetadataCache.Listing listing;

  @GuardedBy("this")
  private final VisitedPages visited = new VisitedPages();

  /** Where the names of {@link #entries} have their numbers. */
  @GuardedBy("this")
  private VisitedPages.@Nullable Page current;

  /** By number, counted from the first of the page; null is a name that is no more. */
  @GuardedBy("this")
  private @Nullable DirectoryEntry[] entries = {};

  /** Takes names until it is full. */
  @FunctionalInterface
  interface Visitor {
    /**
     * @param next offset of the name behind this one
     * @return false when it could not take this one
     */
    boolean visit(ByteString name, InodeId inode, FileType type, long next);
  }

  DirectoryStream(
      NamespaceClient namespace, SiblingReadAhead siblings, InodeId directory, InodeId parent) {
    this.siblings = siblings;
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
      visited.clear(); // rewinddir(3) wants to see what is new
      current = null;
      if (!visitor.visit(DOT, directory, FileType.DIRECTORY, ++at)) {
        return;
      }
    }
    if (at == 1 && !visitor.visit(DOT_DOT, parent, FileType.DIRECTORY, ++at)) {
      return;
    }
    for (VisitedPages.Page page = turnTo(at - DOTS); page != null; page = turnTo(at - DOTS)) {
      DirectoryEntry entry = entries[(int) (at - DOTS - page.number())];
      at++;
      if (entry != null) {
        InodeId child = new InodeId(entry.getDentry().getChild());
        if (!visitor.visit(entry.getName(), child, entry.getDentry().getType(), at)) {
          return;
        }
      }
    }
  }

  /** Makes the page with this number the current one; null: there are not so many names. */
  @GuardedBy("this")
  private VisitedPages.@Nullable Page turnTo(long number) throws RefusedException {
    while (number >= visited.end()) {
      if (visited.complete()) {
        return null;
      }
      NamespaceClient.Page loaded = namespace.list(directory, visited.lastName(), listing);
      siblings.listed(directory, visited.end(), loaded.entries());
      current = visited.add(loaded.entries(), loaded.last());
      entries = loaded.entries().toArray(new DirectoryEntry[0]);
    }
    VisitedPages.Page page = current;
    if (page == null || !page.contains(number)) {
      page = visited.find(number);
      entries = reload(page);
      current = page;
    }
    return page;
  }

  /** Asks for the names of a page again; together with new ones they may come in several parts. */
  private @Nullable DirectoryEntry[] reload(VisitedPages.Page page) throws RefusedException {
    VisitedPages.Places places = page.places();
    @Nullable DirectoryEntry[] found = new DirectoryEntry[page.count()];
    ByteString after = page.after();
    while (true) {
      NamespaceClient.Page loaded = namespace.list(directory, after, listing);
      for (DirectoryEntry entry : loaded.entries()) {
        if (page.endsBefore(entry.getName())) {
          return found;
        }
        int place = places.of(entry.getName());
        if (place >= 0) {
          found[place] = entry;
        }
        after = entry.getName();
      }
      if (loaded.last() || loaded.entries().isEmpty()) {
        return found;
      }
    }
  }

  void close() {
    namespace.endListing(listing);
  }
}

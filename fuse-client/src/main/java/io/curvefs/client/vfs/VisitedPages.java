package io.curvefs.client.vfs;

import com.google.protobuf.ByteString;
import io.curvefs.proto.DirectoryEntry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which names a walk through a directory has numbered, in as few bytes as possible: for each page
 * the name it begins behind and its last one, for each name 64 bits of a hash. Used by one thread
 * at a time.
 */
final class VisitedPages {
  /**
   * Names whose hashes are kept, 8 MiB. The pages visited last keep theirs; in older ones the names
   * that are there when one comes back are counted.
   */
  private static final int NAMES_MAX = 1 << 20;

  private static final long FNV_OFFSET = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;

  private final int namesMax;
  private final List<Page> pages = new ArrayList<>();

  /** Pages before this one have no hashes any more. */
  private int firstKept;

  private int namesKept;

  /** No name lies behind the last page. */
  private boolean complete;

  VisitedPages() {
    this(NAMES_MAX);
  }

  /**
   * @param namesMax names whose hashes are kept
   */
  VisitedPages(int namesMax) {
    this.namesMax = namesMax;
  }

  /** A page as it was when it was first seen. */
  static final class Page {
    private final long number;
    private final ByteString after;
    private final ByteString last;
    private final int count;
    private long @Nullable [] hashes;

    private Page(long number, ByteString after, List<DirectoryEntry> entries) {
      this.number = number;
      this.after = after;
      this.last = entries.isEmpty() ? after : entries.get(entries.size() - 1).getName();
      this.count = entries.size();
      this.hashes = entries.stream().mapToLong(entry -> hash(entry.getName())).toArray();
    }

    /** Of its first name. */
    long number() {
      return number;
    }

    /** The name before its first one. */
    ByteString after() {
      return after;
    }

    int count() {
      return count;
    }

    boolean contains(long wanted) {
      return wanted >= number && wanted - number < count;
    }

    boolean endsBefore(ByteString name) {
      return ByteString.unsignedLexicographicalComparator().compare(last, name) < 0;
    }

    /** To be asked for the names of the page in their order. */
    Places places() {
      long[] known = hashes;
      if (known == null) {
        int[] next = {0};
        return name -> next[0] < count ? next[0]++ : -1;
      }
      Map<Long, Integer> byHash = new HashMap<>();
      for (int place = 0; place < count; place++) {
        byHash.put(known[place], place);
      }
      return name -> byHash.getOrDefault(hash(name), -1);
    }
  }

  /** Where names have their place. */
  @FunctionalInterface
  interface Places {
    /**
     * @return counted from the first of the page; -1: the name was not there
     */
    int of(ByteString name);
  }

  /** The walk begins anew. */
  void clear() {
    pages.clear();
    firstKept = 0;
    namesKept = 0;
    complete = false;
  }

  /** The number of the name behind all that are known. */
  long end() {
    return pages.isEmpty() ? 0 : last().number + last().count;
  }

  boolean complete() {
    return complete;
  }

  /** The name that the next page begins behind. */
  ByteString lastName() {
    return pages.isEmpty() ? ByteString.EMPTY : last().last;
  }

  private Page last() {
    return pages.get(pages.size() - 1);
  }

  /** Numbers the names behind {@link #lastName}. */
  Page add(List<DirectoryEntry> entries, boolean end) {
    Page page = new Page(end(), lastName(), entries);
    pages.add(page);
    complete = end || entries.isEmpty();
    namesKept += page.count;
    for (; namesKept > namesMax; firstKept++) {
      Page oldest = pages.get(firstKept);
      oldest.hashes = null;
      namesKept -= oldest.count;
    }
    return page;
  }

  /** The page with a number below {@link #end}. */
  Page find(long number) {
    int at = pages.size() - 1;
    while (pages.get(at).number > number) {
      at--;
    }
    return pages.get(at);
  }

  private static long hash(ByteString name) {
    long hash = FNV_OFFSET;
    for (int i = 0; i < name.size(); i++) {
      hash = (hash ^ (name.byteAt(i) & 0xff)) * FNV_PRIME;
    }
    return hash;
  }
}

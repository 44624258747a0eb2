package io.curvefs.client.warmup;

import com.google.protobuf.ByteString;
import io.curvefs.client.meta.Attributes;
import io.curvefs.proto.FileType;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/**
 * Looks up the paths of a list. Most lists go through directories in the order of their names: then
 * a page of a directory answers for many of them. Others cost a request each. For one thread.
 */
final class ListedPaths {
  /** Names in order, one behind the other, before a page is worth asking for. */
  private static final int ORDERED_MIN = 8;

  /** Names that a page must have answered for, to be followed by another at once. */
  private static final int HITS_MIN = 16;

  /** Names that are looked up one by one after a page that was not worth it. */
  private static final int PENALTY = 256;

  private static final ByteString DOT = ByteString.copyFromUtf8(".");
  private static final ByteString DOT_DOT = ByteString.copyFromUtf8("..");

  private final FileTree tree;
  private final Paths paths;
  private final Map<ByteString, Attributes> page = new HashMap<>();
  private ByteString directory = ByteString.EMPTY;
  private ByteString lastName = ByteString.EMPTY;
  private ByteString pageEnd = ByteString.EMPTY;
  private int ordered;
  private int hits = HITS_MIN;

  ListedPaths(FileTree tree, Paths paths) {
    this.tree = tree;
    this.paths = paths;
  }

  /** As {@link Paths#resolve}. */
  Attributes resolve(ByteString path) throws IOException {
    int slash = path.size() - 1;
    while (slash > 0 && path.byteAt(slash) != '/') {
      slash--;
    }
    ByteString parent = path.substring(0, slash);
    ByteString name = path.substring(slash + 1);
    if (!parent.equals(directory)) {
      directory = parent;
      page.clear();
      pageEnd = ByteString.EMPTY;
      ordered = 0;
      hits = HITS_MIN;
    } else if (isBehind(name, lastName)) {
      ordered++;
    } else {
      ordered = 0;
    }
    ByteString before = lastName;
    lastName = name;
    if (name.isEmpty() || name.equals(DOT) || name.equals(DOT_DOT) || ordered < ORDERED_MIN) {
      return paths.resolve(path);
    }
    if (isBehind(name, pageEnd)) {
      turn(before);
    }
    Attributes found = page.get(name);
    if (found == null || found.type() == FileType.SYMLINK) {
      return paths.resolve(path);
    }
    hits++;
    return found;
  }

  private static boolean isBehind(ByteString name, ByteString other) {
    return ByteString.unsignedLexicographicalComparator().compare(name, other) > 0;
  }

  private void turn(ByteString after) throws IOException {
    page.clear();
    if (hits < HITS_MIN) {
      hits = HITS_MIN;
      ordered = ORDERED_MIN - PENALTY;
      return;
    }
    hits = 0;
    Attributes parent = paths.resolve(directory.isEmpty() ? Paths.ROOT : directory);
    for (FileTree.Child child : tree.list(parent.id(), after).children()) {
      pageEnd = child.name();
      if (child.attributes() != null) {
        page.put(child.name(), child.attributes());
      }
    }
  }
}

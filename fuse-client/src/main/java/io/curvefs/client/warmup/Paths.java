package io.curvefs.client.warmup;

import com.google.protobuf.ByteString;
import io.curvefs.client.meta.Attributes;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.proto.FileType;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Finds what a path of the mount stands for. Paths are bytes and begin with '/', which is the
 * mount's root. Thread-safe.
 */
final class Paths {
  /** Symbolic links on the way of one path. */
  static final int LINKS_MAX = 4;

  static final ByteString ROOT = ByteString.copyFromUtf8("/");
  private static final ByteString DOT = ByteString.copyFromUtf8(".");
  private static final ByteString DOT_DOT = ByteString.copyFromUtf8("..");

  private final FileTree tree;
  private final ByteString mountPoint;

  /** A path that cannot be followed within the mount, however well everything works. */
  static final class NotFollowedException extends IOException {
    private static final long serialVersionUID = 1;

    NotFollowedException(String message) {
      super(message);
    }
  }

  /**
   * @param mountPoint where absolute symbolic links lead into the mount
   */
  Paths(FileTree tree, ByteString mountPoint) {
    this.tree = tree;
    this.mountPoint = mountPoint;
  }

  static ByteString join(ByteString directory, ByteString name) {
    return directory.equals(ROOT) ? ROOT.concat(name) : directory.concat(ROOT).concat(name);
  }

  /**
   * What is at a path, behind at most {@link #LINKS_MAX} symbolic links.
   *
   * @throws NotFollowedException when there are more links, or one leads out of the mount
   * @throws RefusedException ENOENT or ENOTDIR; others when it could not be looked at
   */
  Attributes resolve(ByteString path) throws IOException {
    Deque<Attributes> way = new ArrayDeque<>(List.of(tree.root()));
    Deque<ByteString> left = new ArrayDeque<>(names(path));
    int links = 0;
    while (!left.isEmpty()) {
      ByteString name = left.pop();
      if (name.equals(DOT)) {
        continue;
      }
      Attributes directory = way.getFirst();
      if (!directory.isDirectory()) {
        throw new RefusedException(Refusal.ENOTDIR);
      }
      if (name.equals(DOT_DOT)) {
        if (way.size() == 1) {
          throw new NotFollowedException("leads out of the mount");
        }
        way.pop();
        continue;
      }
      Attributes child = tree.child(directory.id(), name);
      if (child.type() != FileType.SYMLINK) {
        way.push(child);
        continue;
      }
      if (++links > LINKS_MAX) {
        throw new NotFollowedException("more than " + LINKS_MAX + " symbolic links on its way");
      }
      List<ByteString> target = names(child.symlinkTarget());
      if (child.symlinkTarget().startsWith(ROOT)) {
        target = names(inside(child.symlinkTarget()));
        while (way.size() > 1) {
          way.pop();
        }
      }
      for (int i = target.size() - 1; i >= 0; i--) {
        left.push(target.get(i));
      }
    }
    return way.getFirst();
  }

  private ByteString inside(ByteString target) throws NotFollowedException {
    boolean inside =
        target.startsWith(mountPoint)
            && (target.size() == mountPoint.size() || target.byteAt(mountPoint.size()) == '/');
    if (!inside) {
      throw new NotFollowedException("a symbolic link that leads out of the mount");
    }
    return target.substring(mountPoint.size());
  }

  private static List<ByteString> names(ByteString path) {
    List<ByteString> names = new ArrayList<>();
    int from = 0;
    for (int i = 0; i <= path.size(); i++) {
      if (i == path.size() || path.byteAt(i) == '/') {
        if (i > from) {
          names.add(path.substring(from, i));
        }
        from = i + 1;
      }
    }
    return names;
  }
}

package io.curvefs.client.warmup;

import com.google.protobuf.ByteString;
import io.curvefs.client.meta.Attributes;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.FileType;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Goes through trees, page by page: however large a directory is, one page of each level is in
 * memory. Every name is reported once, as a file, a directory that is walked, a skip or a failure.
 * For one thread.
 */
final class TreeWalk {
  /** Directories one within the other: more than a path of PATH_MAX can name. */
  private static final int DEPTH_MAX = 2048;

  /** Directories that were reached through symbolic links; later ones are not followed. */
  private static final int LINKED_MAX = 100_000;

  private final FileTree tree;
  private final Paths paths;
  private final Visitor visitor;
  private final Deque<Frame> frames = new ArrayDeque<>();
  private final Set<InodeId> linked = new HashSet<>();

  /** What becomes of the names. */
  interface Visitor {
    /** A regular file, perhaps behind a symbolic link. */
    void file(ByteString path, Attributes attributes) throws InterruptedException;

    void skipped(ByteString path, String reason) throws InterruptedException;

    /** What is at the path could not be looked at. */
    void failed(ByteString path, String reason) throws InterruptedException;

    /** The names of a directory behind {@code after} could not be listed. */
    void unlisted(ByteString path, ByteString after, String reason) throws InterruptedException;
  }

  private static final class Frame {
    final ByteString path;
    final InodeId directory;
    final Deque<Subdirectory> subdirectories = new ArrayDeque<>();
    ByteString after;
    boolean listed;

    Frame(ByteString path, InodeId directory, ByteString after) {
      this.path = path;
      this.directory = directory;
      this.after = after;
    }
  }

  private record Subdirectory(ByteString name, InodeId inode) {}

  TreeWalk(FileTree tree, Paths paths, Visitor visitor) {
    this.tree = tree;
    this.paths = paths;
    this.visitor = visitor;
  }

  /** Walks what is at a path and has been looked at. */
  void walk(ByteString path, Attributes attributes) throws InterruptedException {
    if (attributes.isDirectory()) {
      walkDirectory(path, attributes.id(), ByteString.EMPTY);
    } else {
      leaf(path, attributes);
    }
  }

  /** Walks a directory, from the names behind {@code after} on. */
  void walkDirectory(ByteString path, InodeId directory, ByteString after)
      throws InterruptedException {
    frames.clear();
    frames.push(new Frame(path, directory, after));
    while (!frames.isEmpty()) {
      Frame frame = frames.getFirst();
      Subdirectory next = frame.subdirectories.poll();
      if (next != null) {
        enter(Paths.join(frame.path, next.name), next.inode);
      } else if (frame.listed) {
        frames.pop();
      } else {
        list(frame);
      }
    }
  }

  private void enter(ByteString path, InodeId directory) throws InterruptedException {
    if (frames.size() == DEPTH_MAX) {
      visitor.failed(path, "more than " + DEPTH_MAX + " directories, one within the other");
    } else {
      frames.push(new Frame(path, directory, ByteString.EMPTY));
    }
  }

  private void list(Frame frame) throws InterruptedException {
    FileTree.Page page;
    try {
      page = tree.list(frame.directory, frame.after);
    } catch (RefusedException e) {
      frame.listed = true;
      if (e.refusal() == Refusal.ENOENT) {
        visitor.skipped(frame.path, Reasons.VANISHED);
      } else {
        visitor.unlisted(frame.path, frame.after, Reasons.of(e));
      }
      return;
    }
    List<FileTree.Child> children = page.children();
    frame.listed = page.last() || children.isEmpty();
    for (FileTree.Child child : children) {
      Attributes attributes = child.attributes();
      ByteString path = Paths.join(frame.path, child.name());
      frame.after = child.name();
      if (attributes == null) {
        visitor.skipped(path, Reasons.VANISHED);
      } else if (attributes.isDirectory()) {
        frame.subdirectories.add(new Subdirectory(child.name(), attributes.id()));
      } else if (attributes.type() == FileType.SYMLINK) {
        follow(frame, child.name(), path);
      } else {
        leaf(path, attributes);
      }
    }
  }

  private void follow(Frame frame, ByteString name, ByteString path) throws InterruptedException {
    try {
      Attributes target = paths.resolve(path);
      if (!target.isDirectory()) {
        leaf(path, target);
      } else if (isOnTheWay(target.id()) || linked.size() >= LINKED_MAX) {
        visitor.skipped(path, "a symbolic link to a directory that is being walked");
      } else if (!linked.add(target.id())) {
        visitor.skipped(path, "a symbolic link to a directory that has been walked");
      } else {
        frame.subdirectories.add(new Subdirectory(name, target.id()));
      }
    } catch (Paths.NotFollowedException e) {
      visitor.skipped(path, String.valueOf(e.getMessage()));
    } catch (IOException e) {
      if (Reasons.isAbsence(e)) {
        visitor.skipped(path, "a symbolic link to nothing");
      } else {
        visitor.failed(path, Reasons.of(e));
      }
    }
  }

  private boolean isOnTheWay(InodeId directory) {
    List<InodeId> way = new ArrayList<>();
    frames.forEach(frame -> way.add(frame.directory));
    return way.contains(directory);
  }

  private void leaf(ByteString path, Attributes attributes) throws InterruptedException {
    switch (attributes.type()) {
      case REGULAR -> visitor.file(path, attributes);
      case FIFO -> visitor.skipped(path, "a pipe");
      case SOCKET -> visitor.skipped(path, "a socket");
      case CHARACTER_DEVICE, BLOCK_DEVICE -> visitor.skipped(path, "a device");
      case DIRECTORY, SYMLINK, FILE_TYPE_UNKNOWN, UNRECOGNIZED ->
          visitor.skipped(path, "not a regular file");
    }
  }
}

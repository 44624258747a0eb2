package io.curvefs.client.defrag;

import com.google.protobuf.ByteString;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/**
 * Goes through the tree of a file system, page by page: however large a directory is, one page of
 * each level is in memory. Each regular file is reported once, under one of its names. For one
 * thread.
 */
final class FileWalk {
  /** Files with several names that are known again; of more, each name may be reported. */
  private static final int LINKED_MAX = 1_000_000;

  private static final ByteString SLASH = ByteString.copyFromUtf8("/");

  private final NamespaceClient namespace;
  private final Visitor visitor;
  private final Deque<Frame> frames = new ArrayDeque<>();
  private final Set<InodeId> linked = new HashSet<>();

  /** What is told of the tree. */
  interface Visitor {
    void file(ByteString path, InodeId inode) throws IOException, InterruptedException;

    /** Names of a directory could not be listed. */
    void unlisted(ByteString path, RefusedException reason) throws IOException;
  }

  private static final class Frame {
    final ByteString path;
    final InodeId directory;
    final Deque<Subdirectory> subdirectories = new ArrayDeque<>();
    ByteString after = ByteString.EMPTY;
    boolean listed;

    Frame(ByteString path, InodeId directory) {
      this.path = path;
      this.directory = directory;
    }
  }

  private record Subdirectory(ByteString path, InodeId inode) {}

  FileWalk(NamespaceClient namespace, Visitor visitor) {
    this.namespace = namespace;
    this.visitor = visitor;
  }

  void walk() throws IOException, InterruptedException {
    frames.push(new Frame(ByteString.EMPTY, InodeId.ROOT));
    while (!frames.isEmpty()) {
      Frame frame = frames.getFirst();
      Subdirectory next = frame.subdirectories.poll();
      if (next != null) {
        frames.push(new Frame(next.path, next.inode));
      } else if (frame.listed) {
        frames.pop();
      } else {
        list(frame);
      }
    }
  }

  private void list(Frame frame) throws IOException, InterruptedException {
    NamespaceClient.WholePage page;
    try {
      page = namespace.listWhole(frame.directory, frame.after);
    } catch (RefusedException e) {
      frame.listed = true;
      if (e.refusal() != Refusal.ENOENT) {
        visitor.unlisted(frame.path.isEmpty() ? SLASH : frame.path, e);
      }
      return;
    }
    frame.listed = page.last() || page.entries().isEmpty();
    for (NamespaceClient.WholeEntry entry : page.entries()) {
      frame.after = entry.name();
      Attributes attributes = entry.attributes();
      if (attributes == null) {
        continue;
      }
      ByteString path = frame.path.concat(SLASH).concat(entry.name());
      if (attributes.isDirectory()) {
        frame.subdirectories.add(new Subdirectory(path, attributes.id()));
      } else if (attributes.isRegular() && isFirst(attributes)) {
        visitor.file(path, attributes.id());
      }
    }
  }

  private boolean isFirst(Attributes attributes) {
    return attributes.nlink() < 2 || linked.size() == LINKED_MAX || linked.add(attributes.id());
  }
}

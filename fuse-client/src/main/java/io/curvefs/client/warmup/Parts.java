package io.curvefs.client.warmup;

import com.google.protobuf.ByteString;
import io.curvefs.cache.BlockId;
import io.curvefs.client.data.BlockLists.FilePart;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/**
 * Asks what files consist of, many at a time: small files share a request, a long one comes part by
 * part. For one thread.
 */
final class Parts {
  /** How often a long file is begun anew because it has changed between two of its parts. */
  private static final int ATTEMPTS = 3;

  private final FileTree tree;
  private final Share share;
  private final int filesPerRequest;
  private final Sink sink;
  private final List<Target> waiting = new ArrayList<>();

  /** A file that a job is to look after. */
  record Target(ByteString path, InodeId inode, long length) {}

  /** Who does something with the blocks of a file. */
  interface FileWork {
    void blocks(List<BlockId> blocks) throws InterruptedException;

    /** The file has changed: what comes now is all of it once more. */
    void again();

    /** That was all of it. */
    void end() throws InterruptedException;

    void failed(String reason);

    void skipped(String reason);
  }

  /** Where files go. */
  @FunctionalInterface
  interface Sink {
    /** Tells of blocks that are likely to come next, in this order. */
    default void expect(List<BlockId> blocks) {}

    FileWork begin(Target target) throws InterruptedException;
  }

  Parts(FileTree tree, Share share, int filesPerRequest, Sink sink) {
    this.tree = tree;
    this.share = share;
    this.filesPerRequest = filesPerRequest;
    this.sink = sink;
  }

  void add(Target target) throws InterruptedException {
    waiting.add(target);
    if (waiting.size() >= filesPerRequest) {
      flush();
    }
  }

  /** Works off what waits for others to share a request with. */
  void flush() throws InterruptedException {
    if (waiting.isEmpty()) {
      return;
    }
    List<Target> targets = List.copyOf(waiting);
    waiting.clear();
    HashSet<InodeId> inodes = new HashSet<>();
    targets.forEach(target -> inodes.add(target.inode()));
    Map<InodeId, FilePart> parts = new HashMap<>();
    try {
      tree.firstParts(inodes, share).forEach(part -> parts.put(part.inode(), part));
    } catch (RefusedException e) {
      for (Target target : targets) {
        sink.begin(target).failed(Reasons.of(e));
      }
      return;
    }
    List<BlockId> expected = new ArrayList<>();
    for (Target target : targets) {
      FilePart first = parts.get(target.inode());
      expected.addAll(first == null ? List.of() : first.blocks());
    }
    sink.expect(expected);
    for (Target target : targets) {
      FileWork work = sink.begin(target);
      FilePart first = parts.get(target.inode());
      if (first == null) {
        work.skipped(Reasons.VANISHED);
      } else {
        all(first, work);
      }
    }
  }

  private void all(FilePart first, FileWork work) throws InterruptedException {
    try {
      FilePart part = first;
      for (int attempt = 1; ; attempt++) {
        long version = part.dataVersion();
        work.blocks(part.blocks());
        while (!part.isLast() && part.dataVersion() == version) {
          part = tree.partFrom(part.inode(), part.chunksBehind(), share);
          if (part.dataVersion() == version) {
            work.blocks(part.blocks());
          }
        }
        if (part.dataVersion() == version) {
          work.end();
          return;
        }
        if (attempt == ATTEMPTS) {
          work.skipped(Reasons.CHANGED);
          return;
        }
        work.again();
        part = tree.partFrom(part.inode(), 0, share);
      }
    } catch (RefusedException e) {
      if (e.refusal() == Refusal.ENOENT) {
        work.skipped(Reasons.VANISHED);
      } else {
        work.failed(Reasons.of(e));
      }
    }
  }
}

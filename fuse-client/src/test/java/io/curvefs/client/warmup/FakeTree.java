package io.curvefs.client.warmup;

import com.google.protobuf.ByteString;
import io.curvefs.cache.BlockId;
import io.curvefs.client.data.BlockLists.FilePart;
import io.curvefs.client.meta.Attributes;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.FileType;
import io.curvefs.slice.Layout;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A tree in memory; block n of a file is block n of the slice with the inode's number. */
final class FakeTree implements FileTree {
  static final int PAGE = 100;

  private final Map<Long, Attributes> inodes = new HashMap<>();
  private final Map<Long, TreeMap<String, Long>> directories = new HashMap<>();
  private long next = 1;

  /** Files of a directory that is made up when it is listed; 0: an ordinary one. */
  private final Map<Long, Integer> madeUp = new HashMap<>();

  final AtomicLong filesListed = new AtomicLong();
  final AtomicInteger lookups = new AtomicInteger();
  final AtomicInteger partRequests = new AtomicInteger();

  /** Files whose version is another one each time it is asked for. */
  final Map<InodeId, AtomicInteger> restless = new HashMap<>();

  /** Directories whose listing fails so often behind its first page. */
  final Map<InodeId, AtomicInteger> unlistable = new HashMap<>();

  FakeTree() {
    add(0, "", FileType.DIRECTORY, 0, "");
  }

  private static Attributes attributes(
      long id, FileType type, long length, String target, long parent) {
    return attributes(id, type, length, target, parent, length);
  }

  private static Attributes attributes(
      long id, FileType type, long length, String target, long parent, long allocated) {
    return new Attributes(
        new InodeId(id),
        type,
        0644,
        0,
        0,
        1,
        length,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        ByteString.copyFromUtf8(target),
        parent,
        1,
        1,
        allocated,
        "");
  }

  private synchronized InodeId add(
      long parent, String name, FileType type, long length, String target) {
    long id = next++;
    inodes.put(id, attributes(id, type, length, target, parent));
    if (type == FileType.DIRECTORY) {
      directories.put(id, new TreeMap<>());
    }
    if (parent != 0) {
      directories.get(parent).put(name, id);
    }
    return new InodeId(id);
  }

  InodeId directory(InodeId parent, String name) {
    return add(parent.value(), name, FileType.DIRECTORY, 0, "");
  }

  InodeId file(InodeId parent, String name, long length) {
    return add(parent.value(), name, FileType.REGULAR, length, "");
  }

  /** A file most of which is a hole. */
  InodeId sparse(InodeId parent, String name, long length, long allocated) {
    InodeId id = file(parent, name, length);
    inodes.put(
        id.value(),
        attributes(id.value(), FileType.REGULAR, length, "", parent.value(), allocated));
    return id;
  }

  InodeId link(InodeId parent, String name, String target) {
    return add(parent.value(), name, FileType.SYMLINK, target.length(), target);
  }

  InodeId other(InodeId parent, String name, FileType type) {
    return add(parent.value(), name, type, 0, "");
  }

  /** A directory of so many files of one block, none of which is kept here. */
  InodeId hugeDirectory(InodeId parent, String name, int files) {
    InodeId id = directory(parent, name);
    madeUp.put(id.value(), files);
    return id;
  }

  synchronized void remove(InodeId parent, String name) {
    inodes.remove(directories.get(parent.value()).remove(name));
  }

  static List<BlockId> blocksOf(InodeId file, long length) {
    List<BlockId> blocks = new ArrayList<>();
    for (long at = 0; at < length; at += Layout.BLOCK_BYTES) {
      blocks.add(
          new BlockId(
              file.value(), blocks.size(), (int) Math.min(Layout.BLOCK_BYTES, length - at)));
    }
    return blocks;
  }

  @Override
  public synchronized Attributes root() {
    return inodes.get(1L);
  }

  @Override
  public synchronized Attributes child(InodeId parent, ByteString name) throws RefusedException {
    lookups.incrementAndGet();
    Long child = directories.get(parent.value()).get(name.toStringUtf8());
    if (child == null) {
      throw new RefusedException(Refusal.ENOENT);
    }
    return inodes.get(child);
  }

  @Override
  public synchronized Page list(InodeId directory, ByteString after) throws RefusedException {
    AtomicInteger failures = unlistable.get(directory);
    if (failures != null && !after.isEmpty() && failures.getAndDecrement() > 0) {
      throw new RefusedException(Refusal.TIMED_OUT);
    }
    List<Child> children = new ArrayList<>();
    Integer made = madeUp.get(directory.value());
    if (made != null) {
      int from = after.isEmpty() ? 0 : Integer.parseInt(after.toStringUtf8().substring(1)) + 1;
      for (int i = from; i < Math.min(made, from + PAGE); i++) {
        children.add(
            new Child(
                ByteString.copyFromUtf8("f%08d".formatted(i)),
                attributes(1_000_000 + i, FileType.REGULAR, 10, "", 0)));
      }
      filesListed.addAndGet(children.size());
      return new Page(children, from + PAGE >= made);
    }
    TreeMap<String, Long> names = directories.get(directory.value());
    if (names == null) {
      throw new RefusedException(Refusal.ENOENT);
    }
    for (Map.Entry<String, Long> entry : names.tailMap(after.toStringUtf8(), false).entrySet()) {
      if (children.size() == PAGE) {
        return new Page(children, false);
      }
      children.add(
          new Child(ByteString.copyFromUtf8(entry.getKey()), inodes.get(entry.getValue())));
    }
    return new Page(children, true);
  }

  @Override
  public synchronized List<FilePart> firstParts(Collection<InodeId> files, Share share) {
    partRequests.incrementAndGet();
    List<FilePart> parts = new ArrayList<>();
    for (InodeId file : files) {
      if (file.value() >= 1_000_000) {
        parts.add(new FilePart(file, 10, 1, blocksOf(file, 10), 1));
      } else if (inodes.containsKey(file.value())) {
        parts.add(part(file, 0, 2, share));
      }
    }
    return parts;
  }

  @Override
  public synchronized FilePart partFrom(InodeId file, int chunk, Share share) {
    return part(file, chunk, 2, share);
  }

  private FilePart part(InodeId file, int chunk, int chunks, Share share) {
    long length = inodes.get(file.value()).length();
    int perChunk = Layout.CHUNK_BYTES / Layout.BLOCK_BYTES;
    List<BlockId> some = new ArrayList<>();
    for (BlockId block : blocksOf(file, length)) {
      int of = block.index() / perChunk;
      if (of >= chunk && of < chunk + chunks && share.has(file, of)) {
        some.add(block);
      }
    }
    AtomicInteger version = restless.get(file);
    return new FilePart(
        file, length, version == null ? 1 : version.incrementAndGet(), some, chunk + chunks);
  }
}

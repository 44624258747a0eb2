package io.curvefs.metaserver.partition;

import io.curvefs.id.InodeId;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.FileType;
import io.curvefs.proto.Garbage;
import io.curvefs.proto.Inode;
import io.curvefs.proto.Partition;
import io.curvefs.proto.Timestamp;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Inode rows with the counters of their partition, which change together. Invariant: a partition's
 * counters are the sums over its inode rows.
 */
final class InodeTable {
  private final WriteSet rows;
  private final int fileSystem;
  private final Timestamp time;
  private final long logIndex;
  private final Namespace namespace;

  InodeTable(WriteSet rows, int fileSystem, Timestamp time, long logIndex) {
    this.rows = rows;
    this.fileSystem = fileSystem;
    this.time = time;
    this.logIndex = logIndex;
    this.namespace = new Namespace(rows, fileSystem);
  }

  /** The row, or a failed condition when it is not there. */
  Inode.Builder existing(long id) throws ConditionFailedException {
    Inode inode = namespace.inode(new InodeId(id));
    if (inode == null) {
      throw ConditionFailedException.conflict("no inode " + id);
    }
    return inode.toBuilder();
  }

  Inode.Builder existingDirectory(long id) throws ConditionFailedException {
    Inode.Builder inode = existing(id);
    if (inode.getType() != FileType.DIRECTORY) {
      throw ConditionFailedException.conflict("not a directory: " + id);
    }
    return inode;
  }

  /** Writes a changed row; its ctime and version move on. */
  void changed(Inode.Builder inode) {
    changed(inode, time);
  }

  private void changed(Inode.Builder inode, Timestamp ctime) {
    inode.setCtime(ctime).setVersion(inode.getVersion() + 1);
    rows.put(Keys.inode(fileSystem, inode.getId()), inode.build().toByteArray());
  }

  /** Writes a row whose length changed; the partition's bytes follow. */
  void changedLength(Inode.Builder inode, long lengthBefore) throws ConditionFailedException {
    changedLength(inode, lengthBefore, time);
  }

  /** As {@link #changedLength(Inode.Builder, long)}, for a change that is known to be older. */
  void changedLength(Inode.Builder inode, long lengthBefore, Timestamp ctime)
      throws ConditionFailedException {
    changed(inode, ctime);
    Partition.Builder partition = partition(inode.getId());
    partition.setBytes(partition.getBytes() + inode.getLength() - lengthBefore);
    put(inode.getId(), partition);
  }

  void insert(Inode inode) throws ConditionFailedException {
    byte[] key = Keys.inode(fileSystem, inode.getId());
    if (rows.get(key) != null) {
      throw ConditionFailedException.conflict("inode " + inode.getId() + " is there");
    }
    rows.put(key, inode.toByteArray());
    Partition.Builder partition = partition(inode.getId());
    partition
        .setInodes(partition.getInodes() + 1)
        .setNextInode(Math.max(partition.getNextInode(), inode.getId() + 1))
        .setBytes(partition.getBytes() + bytesOf(inode));
    put(inode.getId(), partition);
  }

  /** Removes the row and what hangs on it; the bytes of a file become garbage. */
  void remove(Inode inode) throws ConditionFailedException {
    long id = inode.getId();
    rows.delete(Keys.inode(fileSystem, id));
    removeXattrs(id);
    if (inode.getType() == FileType.REGULAR && (inode.getLength() > 0 || hasBlocks(id))) {
      rows.put(
          Keys.garbage(fileSystem, id, logIndex),
          Garbage.newBuilder().setWholeInode(true).build().toByteArray());
    }
    Partition.Builder partition = partition(id);
    partition.setInodes(partition.getInodes() - 1).setBytes(partition.getBytes() - bytesOf(inode));
    put(id, partition);
  }

  /** Blocks may lie behind the end of a file. */
  private boolean hasBlocks(long id) {
    List<Namespace.IndexedChunk> first = namespace.chunksFrom(new InodeId(id), 0, 1);
    return !first.isEmpty() && first.get(0).chunk().getBlocksCount() > 0;
  }

  private void removeXattrs(long id) {
    List<Row> some;
    byte @Nullable [] last = null;
    do {
      some = rows.scan(Keys.xattrs(fileSystem, id), last, Namespace.XATTRS_MAX);
      for (Row xattr : some) {
        rows.delete(xattr.key());
        last = xattr.key();
      }
    } while (some.size() == Namespace.XATTRS_MAX);
  }

  private static long bytesOf(Inode inode) {
    return inode.getType() == FileType.REGULAR ? inode.getLength() : 0;
  }

  private Partition.Builder partition(long inode) throws ConditionFailedException {
    int index = new InodeId(inode).partition();
    Partition partition = namespace.partition(index);
    if (partition == null) {
      throw ConditionFailedException.conflict(
          "partition " + index + " of file system " + fileSystem + " is not in this group");
    }
    return partition.toBuilder();
  }

  private void put(long inode, Partition.Builder partition) {
    rows.put(
        Keys.partition(fileSystem, new InodeId(inode).partition()),
        partition.build().toByteArray());
  }

  Timestamp time() {
    return time;
  }
}

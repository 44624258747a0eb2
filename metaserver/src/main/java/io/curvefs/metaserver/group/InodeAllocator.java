package io.curvefs.metaserver.group;

import io.curvefs.id.InodeId;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.store.View;
import io.curvefs.proto.Partition;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Gives out inode ids, each once. Of one term: everything that earlier terms gave out and used is
 * in the rows by then, and what they gave out and did not use is refused with their term.
 * Thread-safe.
 */
public final class InodeAllocator {
  private record Range(int fileSystem, int partition) {}

  private final View rows;
  private final ConcurrentHashMap<Range, AtomicLong> next = new ConcurrentHashMap<>();

  InodeAllocator(View rows) {
    this.rows = rows;
  }

  /**
   * A new id of a partition that this group holds.
   *
   * @throws IllegalStateException when it holds no such partition
   */
  public InodeId allocate(int fileSystem, int partition) {
    AtomicLong counter = next.computeIfAbsent(new Range(fileSystem, partition), this::firstFree);
    long id = counter.getAndIncrement();
    if (new InodeId(id).partition() != partition) {
      throw new IllegalStateException(
          "partition " + partition + " of file system " + fileSystem + " has no inode id left");
    }
    return new InodeId(id);
  }

  private AtomicLong firstFree(Range range) {
    Partition partition = new Namespace(rows, range.fileSystem).partition(range.partition);
    if (partition == null) {
      throw new IllegalStateException(
          "partition "
              + range.partition
              + " of file system "
              + range.fileSystem
              + " is not in this group");
    }
    return new AtomicLong(partition.getNextInode());
  }
}

package io.curvefs.client.siblings;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.DirectoryEntry;
import io.curvefs.proto.FileChunks;
import io.curvefs.proto.FileType;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Fetches the next small files while a directory is read file by file in the order of its listing:
 * their extents in one request, then their blocks. A hint through and through: what cannot be had,
 * or comes too often, is left to the reader. Thread-safe, never blocks its callers.
 */
public final class SiblingReadAhead implements AutoCloseable {
  private static final int THREADS = 2;
  private static final int WAITING_MAX = 16;

  private final NamespaceClient namespace;
  private final Consumer<FileChunks> fetch;
  private final ThreadPoolExecutor threads;

  @GuardedBy("this")
  private final ReadOrder order = new ReadOrder();

  /**
   * @param fetch brings a file's blocks nearer, in the background
   */
  public SiblingReadAhead(NamespaceClient namespace, Consumer<FileChunks> fetch) {
    this.namespace = namespace;
    this.fetch = fetch;
    this.threads =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            10,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(WAITING_MAX),
            new DefaultThreadFactory("sibling-ahead", true));
    threads.allowCoreThreadTimeOut(true);
  }

  /**
   * A part of a directory was listed.
   *
   * @param first number of its first name in the walk, 0 or more
   */
  public void listed(InodeId directory, long first, List<DirectoryEntry> entries) {
    if (first > Integer.MAX_VALUE) {
      return;
    }
    long[] inodes =
        entries.stream()
            .map(DirectoryEntry::getDentry)
            .mapToLong(entry -> entry.getType() == FileType.REGULAR ? entry.getChild() : 0)
            .toArray();
    synchronized (this) {
      order.listed(directory.value(), (int) first, inodes);
    }
  }

  /**
   * Somebody began to read a file. Not told of an open alone: the pages of a file that is opened
   * again may all be in the kernel.
   */
  public void begun(InodeId inode) {
    List<Long> next;
    synchronized (this) {
      next = order.begun(inode.value(), this::knownLength);
    }
    if (next.isEmpty()) {
      return;
    }
    try {
      threads.execute(() -> fetch(next));
    } catch (RejectedExecutionException e) {
      // Busy or closed.
    }
  }

  private long knownLength(long inode) {
    Attributes attributes = namespace.lastSeen(new InodeId(inode));
    return attributes == null ? -1 : attributes.length();
  }

  private void fetch(List<Long> inodes) {
    try {
      for (FileChunks file : namespace.files(inodes.stream().map(InodeId::new).toList(), 1)) {
        if (file.getInode().getLength() <= ReadOrder.SMALL_BYTES_MAX) {
          fetch.accept(file);
        }
      }
    } catch (RefusedException e) {
      // Whoever opens them will be told.
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}

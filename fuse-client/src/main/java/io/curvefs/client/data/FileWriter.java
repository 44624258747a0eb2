package io.curvefs.client.data;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.Page;
import io.curvefs.cache.page.PagedBytes;
import io.curvefs.client.meta.Attributes;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SliceId;
import io.curvefs.proto.ChunkExtents;
import io.curvefs.proto.CommitExtents;
import io.curvefs.proto.Extent;
import io.curvefs.proto.Timestamp;
import io.curvefs.slice.Layout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes of one file on their way: gathered in windows, sent as objects (in any order), committed
 * to the metaserver (in the order in which they were sent, because newer extents hide older ones).
 * Nothing is committed before it is in the object store. Thread-safe; the lock is never held over a
 * request.
 */
final class FileWriter {
  private static final Logger log = LoggerFactory.getLogger(FileWriter.class);

  /** Uploaded blocks that are committed without waiting for a flush: one chunk's worth. */
  private static final int COMMIT_BLOCKS = Layout.CHUNK_BYTES / Layout.BLOCK_BYTES;

  /**
   * Nothing has moved for so long: more than the object store's and the metaserver's own bounds.
   */
  private static final Duration STUCK = Duration.ofSeconds(200);

  private final FileStore store;
  private final InodeId inode;
  private final ChunkMap chunks;

  /** What is being written, by number of the window in the file. */
  @GuardedBy("this")
  private final TreeMap<Long, Window> active = new TreeMap<>();

  /** Sent but not committed, in the order of sending. */
  @GuardedBy("this")
  private final Deque<PendingBlock> pending = new ArrayDeque<>();

  /** The slice that the next block may continue; null: none. */
  @GuardedBy("this")
  private @Nullable OpenSlice openSlice;

  @GuardedBy("this")
  private boolean committing;

  /** A flush of what has been waiting for too long is under way. */
  @GuardedBy("this")
  private boolean flushingOld;

  /** End of everything written since the last commit; 0: nothing. */
  @GuardedBy("this")
  private long writtenEnd;

  @GuardedBy("this")
  private Timestamp lastWrite = Timestamp.getDefaultInstance();

  @GuardedBy("this")
  private long firstWriteNanos;

  /** How often writing has failed; each handle reports a failure once. */
  @GuardedBy("this")
  private long failures;

  /** Grows whenever what a reader sees of the pending blocks changes. */
  @GuardedBy("this")
  private long generation;

  /** A slice of whole blocks so far, whose last one ends at this place of the file. */
  private record OpenSlice(SliceId id, int length, long fileEnd) {}

  FileWriter(FileStore store, InodeId inode, ChunkMap chunks) {
    this.store = store;
    this.inode = inode;
    this.chunks = chunks;
  }

  /**
   * Takes bytes in; waits while the write buffer is full.
   *
   * @param src is read to its end
   */
  void write(long offset, ByteBuffer src) throws IOException {
    long at = offset;
    while (src.hasRemaining()) {
      int within = (int) (at % Window.BYTES);
      int length = Math.min(src.remaining(), Window.BYTES - within);
      Deque<Page> pages = store.buffer().acquire(Window.pagesTouched(within, length));
      try {
        put(at, within, src, length, pages);
      } finally {
        store.buffer().release(pages);
      }
      at += length;
    }
  }

  private void put(long at, int within, ByteBuffer src, int length, Deque<Page> pages)
      throws RefusedException {
    long number = at / Window.BYTES;
    synchronized (this) {
      Window window = active.computeIfAbsent(number, n -> new Window());
      window.put(within, src, length, pages);
      if (writtenEnd == 0) {
        firstWriteNanos = System.nanoTime();
      }
      writtenEnd = Math.max(writtenEnd, at + length);
      lastWrite = store.clock().now();
      store.buffer().written(this);
      if (!window.isFull()) {
        return;
      }
    }
    SliceId fresh = store.sliceIds().next();
    PendingBlock full = null;
    synchronized (this) {
      Window window = active.get(number);
      if (window != null && window.isFull()) {
        full = freeze(number, window, fresh);
      }
    }
    if (full != null) {
      upload(full);
    }
  }

  /**
   * Sends everything gathered so far on its way, as far as that is possible now.
   *
   * @return bytes sent
   */
  long send() {
    long[] sent = {0};
    try {
      sendAll(bytes -> sent[0] += bytes);
    } catch (RefusedException e) {
      log.warn("inode {}: cannot send what was written yet: {}", inode, e.getMessage());
    }
    return sent[0];
  }

  private void sendAll(IntConsumer sent) throws RefusedException {
    while (isGathering()) {
      SliceId fresh = store.sliceIds().next();
      PendingBlock block = null;
      synchronized (this) {
        Map.Entry<Long, Window> first = active.firstEntry();
        if (first != null) {
          block = freeze(first.getKey(), first.getValue(), fresh);
        }
      }
      if (block != null) {
        sent.accept(block.id.length());
        upload(block);
      }
    }
  }

  private synchronized boolean isGathering() {
    if (active.isEmpty()) {
      store.buffer().sent(this);
    }
    return !active.isEmpty();
  }

  /** Makes a window into a block that waits to be committed after those before it. */
  @GuardedBy("this")
  private PendingBlock freeze(long number, Window window, SliceId fresh) {
    active.remove(number);
    long windowStart = number * Window.BYTES;
    List<DirtyRanges.Range> ranges = window.ranges();
    int length = window.dirtyBytes();
    long fileEnd = windowStart + ranges.get(ranges.size() - 1).to();
    OpenSlice continued = window.isDense() ? sliceEndingAt(windowStart) : null;
    SliceId slice = continued != null ? continued.id : fresh;
    int sliceOffset = continued != null ? continued.length : 0;
    int sliceLength = sliceOffset + length;
    openSlice = window.isFull() ? new OpenSlice(slice, sliceLength, fileEnd) : null;

    List<Extent> extents = new ArrayList<>();
    int at = sliceOffset;
    for (DirtyRanges.Range range : ranges) {
      extents.add(
          Extent.newBuilder()
              .setChunkOffset(Layout.chunkOffset(windowStart) + range.from())
              .setLength(range.length())
              .setSlice(slice.value())
              .setSliceOffset(at)
              .setSliceLength(sliceLength)
              .build());
      at += range.length();
    }
    BlockId id = new BlockId(slice.value(), sliceOffset / Layout.BLOCK_BYTES, length);
    PendingBlock block =
        new PendingBlock(id, Layout.chunkIndex(windowStart), extents, fileEnd, window);
    pending.add(block);
    generation++;
    return block;
  }

  /** The slice that a block at this place of the file would continue, within one chunk. */
  @GuardedBy("this")
  private @Nullable OpenSlice sliceEndingAt(long fileOffset) {
    return openSlice != null
            && openSlice.fileEnd == fileOffset
            && Layout.chunkOffset(fileOffset) != 0
        ? openSlice
        : null;
  }

  private void upload(PendingBlock block) {
    List<ByteBuffer> content;
    synchronized (this) {
      Window window = block.window;
      if (window == null) {
        throw new IllegalStateException("uploaded already: " + block.id);
      }
      content = window.content();
      store.buffer().sending(window.pages().size());
    }
    store
        .objects()
        .put(store.key(block.id), content)
        .whenComplete((done, failure) -> uploaded(block, failure));
  }

  /** On a thread of the object store: must not block. */
  private void uploaded(PendingBlock block, @Nullable Throwable failure) {
    Window window;
    boolean commitDue;
    synchronized (this) {
      window = block.window;
      if (failure != null && pending.contains(block)) {
        log.error(
            "inode {}: an upload failed and what was not committed yet is lost: {}",
            inode,
            String.valueOf(failure.getMessage()));
        fail();
      } else if (failure == null) {
        block.uploaded = true;
      }
      block.window = null;
      commitDue = uploadedPrefix() >= COMMIT_BLOCKS && !committing;
      generation++;
      notifyAll();
    }
    if (window != null) {
      store.buffer().arrived(window.pages().size());
      keepOrRelease(block, window, failure == null);
    }
    if (commitDue) {
      store.background().execute(this::commitInBackground);
    }
  }

  /** A block that fills its pages goes on in the cache; the pages of others are free now. */
  private void keepOrRelease(PendingBlock block, Window window, boolean good) {
    List<Page> pages = window.pages();
    if (good && window.isDense()) {
      PagedBytes content = PagedBytes.adopt(pages, block.id.length());
      try {
        store.cache().offer(block.id, content);
      } finally {
        content.release();
        store.buffer().handOver(pages.size());
      }
    } else {
      store.buffer().release(pages);
    }
  }

  @GuardedBy("this")
  private int uploadedPrefix() {
    int count = 0;
    for (PendingBlock block : pending) {
      if (!block.uploaded) {
        break;
      }
      count++;
    }
    return count;
  }

  /** Everything that is not committed is lost; every handle hears of it once. */
  @GuardedBy("this")
  private void fail() {
    failures++;
    pending.clear();
    openSlice = null;
    writtenEnd = 0;
    for (Window window : active.values()) {
      store.buffer().release(window.pages());
    }
    active.clear();
    chunks.lost();
  }

  /** Nobody will ask for a flush again: what is not committed by now is lost. */
  synchronized void abandon() {
    if (writtenEnd != 0) {
      log.error("inode {}: what was written last could not be sent and is lost", inode);
      fail();
    }
    store.buffer().sent(this);
  }

  private void commitInBackground() {
    try {
      commitUploaded();
    } catch (RefusedException e) {
      log.error("inode {}: what was written could not be committed: {}", inode, e.getMessage());
    }
  }

  /** Sends and commits what has been waiting for too long. */
  void flushOlderThan(Duration age) {
    synchronized (this) {
      boolean young = writtenEnd == 0 || System.nanoTime() - firstWriteNanos < age.toNanos();
      if (young || flushingOld) {
        return;
      }
      flushingOld = true;
    }
    store.background().execute(this::flushOld);
  }

  private void flushOld() {
    send();
    try {
      awaitCommitted();
    } catch (IOException e) {
      log.error("inode {}: {}", inode, e.getMessage());
    } finally {
      synchronized (this) {
        flushingOld = false;
      }
    }
  }

  /** Returns once everything written before is in the object store and committed. */
  void flush() throws IOException {
    sendAll(bytes -> {});
    awaitCommitted();
  }

  private void awaitCommitted() throws IOException {
    long failuresBefore = failures();
    long stuckAt = System.nanoTime() + STUCK.toNanos();
    while (true) {
      synchronized (this) {
        if (failures > failuresBefore) {
          throw new RefusedException(
              Refusal.EIO, "writing inode " + inode + " failed: the log has the cause");
        }
        if (pending.isEmpty()) {
          return;
        }
        if (committing || uploadedPrefix() == 0) {
          long left = stuckAt - System.nanoTime();
          if (left <= 0) {
            fail();
            throw new RefusedException(
                Refusal.EIO, "writing inode " + inode + " has been stuck for " + STUCK);
          }
          try {
            TimeUnit.NANOSECONDS.timedWait(this, left);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RefusedException(Refusal.EINTR);
          }
          continue;
        }
      }
      if (commitUploaded()) {
        stuckAt = System.nanoTime() + STUCK.toNanos();
      }
    }
  }

  /**
   * Commits the blocks at the head of the queue that are uploaded, in one request.
   *
   * @return whether there were any
   */
  private boolean commitUploaded() throws RefusedException {
    List<PendingBlock> blocks = new ArrayList<>();
    CommitExtents.Builder commit;
    synchronized (this) {
      if (committing) {
        return false;
      }
      for (PendingBlock block : pending) {
        if (!block.uploaded) {
          break;
        }
        blocks.add(block);
      }
      if (blocks.isEmpty()) {
        return false;
      }
      committing = true;
      commit = commit(blocks, lastWrite);
    }
    boolean done = false;
    try {
      Attributes after = store.namespace().commit(commit);
      synchronized (this) {
        done = true;
        committing = false;
        chunks.committed(after, commit.getChunksList());
        for (PendingBlock block : blocks) {
          pending.remove(block);
        }
        if (pending.isEmpty() && active.isEmpty()) {
          writtenEnd = 0;
        } else {
          firstWriteNanos = System.nanoTime();
        }
        generation++;
        notifyAll();
      }
      return true;
    } finally {
      if (!done) {
        synchronized (this) {
          committing = false;
          fail();
          notifyAll();
        }
      }
    }
  }

  private CommitExtents.Builder commit(List<PendingBlock> blocks, Timestamp mtime) {
    TreeMap<Integer, ChunkExtents.Builder> byChunk = new TreeMap<>();
    long end = 0;
    for (PendingBlock block : blocks) {
      ChunkExtents.Builder chunk =
          byChunk.computeIfAbsent(block.chunk, index -> ChunkExtents.newBuilder().setIndex(index));
      block.extents.forEach(chunk::addExtents);
      end = Math.max(end, block.fileEnd);
    }
    CommitExtents.Builder commit =
        CommitExtents.newBuilder().setInode(inode.value()).setLength(end).setMtime(mtime);
    byChunk.values().forEach(commit::addChunks);
    return commit;
  }

  /**
   * What is gathered but not sent of a range, as it is now. A reader takes it before it looks at
   * the extents: bytes may leave for those meanwhile.
   */
  synchronized List<Gathered> gathered(long offset, int length) {
    List<Gathered> found = new ArrayList<>();
    long end = offset + length;
    for (Map.Entry<Long, Window> entry : windows(offset, end).entrySet()) {
      long start = entry.getKey() * Window.BYTES;
      int from = (int) Math.max(0, offset - start);
      int to = (int) Math.min(Window.BYTES, end - start);
      for (DirtyRanges.Range part : entry.getValue().written(from, to)) {
        ByteBuffer copy = ByteBuffer.allocate(part.length());
        entry.getValue().overlay(part.from(), part.to(), copy, 0);
        found.add(new Gathered((int) (start + part.from() - offset), copy));
      }
    }
    return found;
  }

  /**
   * Bytes that a writer had gathered.
   *
   * @param at where in the range that was asked for
   */
  record Gathered(int at, ByteBuffer bytes) {}

  @GuardedBy("this")
  private NavigableMap<Long, Window> windows(long offset, long end) {
    return active.subMap(offset / Window.BYTES, true, (end - 1) / Window.BYTES, true);
  }

  /** Copies what is gathered but not sent over the bytes that are there. */
  synchronized void overlay(long offset, ByteBuffer dst, int dstFrom, int length) {
    long end = offset + length;
    for (Map.Entry<Long, Window> entry : windows(offset, end).entrySet()) {
      long start = entry.getKey() * Window.BYTES;
      int from = (int) Math.max(0, offset - start);
      int to = (int) Math.min(Window.BYTES, end - start);
      entry.getValue().overlay(from, to, dst, dstFrom + (int) (start + from - offset));
    }
  }

  /** The committed extents of a chunk with those that are sent on top of them. */
  List<Extent> extents(int chunk) throws RefusedException {
    while (true) {
      long before;
      List<Extent> sent = new ArrayList<>();
      synchronized (this) {
        before = generation;
        for (PendingBlock block : pending) {
          if (block.chunk == chunk) {
            sent.addAll(block.extents);
          }
        }
      }
      List<Extent> committed = chunks.extents(chunk);
      synchronized (this) {
        if (generation != before) {
          continue; // a block has moved from one list to the other
        }
      }
      if (sent.isEmpty()) {
        return committed;
      }
      List<Extent> both = new ArrayList<>(committed);
      both.addAll(sent);
      return both;
    }
  }

  /** Fills dst from a block that is being uploaded; false when it is not one of those. */
  synchronized boolean readPending(BlockId id, int offset, ByteBuffer dst) {
    for (PendingBlock block : pending) {
      if (block.id.equals(id)) {
        return block.read(offset, dst);
      }
    }
    return false;
  }

  /**
   * Where everything written since the last commit ends, and when; null: nothing is uncommitted.
   */
  synchronized @Nullable Uncommitted uncommitted() {
    return writtenEnd == 0 ? null : new Uncommitted(writtenEnd, lastWrite);
  }

  record Uncommitted(long end, Timestamp mtime) {}

  synchronized long failures() {
    return failures;
  }
}

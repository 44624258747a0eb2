package io.curvefs.client.data;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.Page;
import io.curvefs.cache.page.PagedBytes;
import io.curvefs.client.content.DirtyRanges;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.client.staging.Journal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SliceId;
import io.curvefs.proto.Extent;
import io.curvefs.slice.Layout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes of one file on their way: gathered in windows, sent as objects (in any order), and left to
 * {@link FileCommits} (in the order in which they were sent, because newer extents hide older
 * ones). What readers see on top of what is committed comes from here. Thread-safe; the file's lock
 * is never held over a request.
 */
final class FileWriter implements WriteBuffer.Writer {
  private static final Logger log = LoggerFactory.getLogger(FileWriter.class);

  private final FileStore store;
  private final InodeId inode;
  private final ChunkMap chunks;
  private final WriteState state;
  private final FileCommits commits;

  /** Where bytes are safe before they are committed; null: only in the object store. */
  private final @Nullable StagedUploads staging;

  FileWriter(
      FileStore store, InodeId inode, ChunkMap chunks, WriteState state, FileCommits commits) {
    this.store = store;
    this.inode = inode;
    this.chunks = chunks;
    this.state = state;
    this.commits = commits;
    this.staging = store.staging();
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
    synchronized (state) {
      if (state.active.isEmpty() && !state.pending.hasGoingThrough()) {
        state.firstWriteNanos = System.nanoTime(); // what is in the journal is not waiting
      }
      Window window = state.active.at(number);
      window.put(within, src, length, pages);
      state.writtenSinceFlush = true;
      state.writtenEnd = Math.max(state.writtenEnd, at + length);
      state.lastWrite = store.clock().now();
      state.mtime = state.lastWrite;
      store.buffer().written(this);
      if (!window.isReady()) {
        return;
      }
    }
    SliceId fresh = store.sliceIds().next();
    PendingBlock full = null;
    synchronized (state) {
      Window window = state.active.find(number);
      if (window != null && window.isReady()) {
        full = freeze(number, window, fresh);
      }
    }
    if (full != null) {
      dispatch(full);
    }
  }

  @Override
  public long send() {
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
      synchronized (state) {
        Map.Entry<Long, Window> first = state.active.first();
        if (first != null) {
          block = freeze(first.getKey(), first.getValue(), fresh);
        }
      }
      if (block != null) {
        sent.accept(block.id.length());
        dispatch(block);
      }
    }
  }

  private boolean isGathering() {
    synchronized (state) {
      if (state.active.isEmpty()) {
        store.buffer().sent(this);
      }
      return !state.active.isEmpty();
    }
  }

  /** Makes a window into a block that waits to be committed after those before it. */
  @GuardedBy("state")
  private PendingBlock freeze(long number, Window window, SliceId fresh) {
    state.active.remove(number);
    long windowStart = number * Window.BYTES;
    List<DirtyRanges.Range> ranges = window.ranges();
    int length = window.dirtyBytes();
    long fileEnd = windowStart + ranges.get(ranges.size() - 1).to();
    WriteState.OpenSlice continued = window.isDense() ? sliceEndingAt(windowStart) : null;
    SliceId slice = continued != null ? continued.id() : fresh;
    int sliceOffset = continued != null ? continued.length() : 0;
    int sliceLength = sliceOffset + length;
    state.openSlice =
        window.isFull() ? new WriteState.OpenSlice(slice, sliceLength, fileEnd) : null;

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
        new PendingBlock(
            id, Layout.chunkIndex(windowStart), extents, fileEnd, state.lastWrite, window);
    stage(block, window);
    state.pending.add(block);
    state.generation++;
    return block;
  }

  /** Has the block put into the journal, if there is one and it takes it. */
  @GuardedBy("state")
  private void stage(PendingBlock block, Window window) {
    if (staging == null) {
      return;
    }
    Journal journal = staging.journal();
    block.writer = journal.writer();
    OptionalLong sequence =
        state.pending.mayGoOnInJournal()
            ? journal.append(
                new Journal.NewBlock(
                    inode, block.id, block.chunk, block.extents, block.fileEnd, block.mtime),
                window.content(),
                failure -> staged(block, failure))
            : OptionalLong.empty();
    block.mark = sequence.orElse(journal.lastTaken());
    if (sequence.isPresent()) {
      block.sequence = sequence.getAsLong();
      store.buffer().sending(window.pages().size());
    }
  }

  /** On the journal's thread: must not block. */
  private void staged(PendingBlock block, @Nullable IOException failure) {
    Window window;
    boolean wanted;
    boolean fromMemory;
    boolean first;
    synchronized (state) {
      window = block.window;
      wanted = state.pending.contains(block);
      first = state.pending.hasNoneInJournalBefore(block.sequence);
      fromMemory = failure != null && wanted && !block.dispatched;
      if (failure == null || !wanted) {
        block.window = null;
      }
      if (failure == null) {
        block.staged = true;
      } else {
        block.sequence = 0; // from memory, then
        block.dispatched |= fromMemory;
      }
      state.generation++;
      state.notifyAll();
    }
    if (window == null || staging == null) {
      throw new IllegalStateException("staged twice: " + block.id);
    }
    store.buffer().arrived(window.pages().size());
    if (failure == null || !wanted) {
      keepOrRelease(block, window, wanted);
    }
    if (failure == null && wanted) {
      staging.add(commits, block);
    } else if (failure == null && first) {
      staging.done(inode, block.sequence);
    } else if (fromMemory) {
      upload(block);
    }
  }

  /** Sends a block from memory, unless the journal has it. */
  private void dispatch(PendingBlock block) {
    boolean fromMemory;
    synchronized (state) {
      fromMemory = !block.isInJournal() && !block.dispatched;
      block.dispatched |= fromMemory;
    }
    if (fromMemory) {
      upload(block);
    }
  }

  /** The slice that a block at this place of the file would continue, within one chunk. */
  @GuardedBy("state")
  private WriteState.@Nullable OpenSlice sliceEndingAt(long fileOffset) {
    return state.openSlice != null
            && state.openSlice.fileEnd() == fileOffset
            && Layout.chunkOffset(fileOffset) != 0
        ? state.openSlice
        : null;
  }

  private void upload(PendingBlock block) {
    List<ByteBuffer> content;
    synchronized (state) {
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
    synchronized (state) {
      window = block.window;
      if (failure != null && state.pending.contains(block)) {
        log.error(
            "inode {}: an upload failed and what was not committed yet is lost: {}",
            inode,
            String.valueOf(failure.getMessage()));
        state.fail();
      } else if (failure == null) {
        block.uploaded = true;
      }
      block.window = null;
      commitDue = state.isCommitDue();
      state.generation++;
      state.notifyAll();
    }
    if (window != null) {
      store.buffer().arrived(window.pages().size());
      keepOrRelease(block, window, failure == null);
    }
    if (commitDue) {
      commits.begin();
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

  /** Nobody will ask for a flush again: what is neither committed nor in the journal is lost. */
  void abandon() {
    synchronized (state) {
      if (staging == null
          ? state.writtenEnd != 0
          : !state.active.isEmpty() || state.pending.hasGoingThrough()) {
        log.error("inode {}: what was written last could not be sent and is lost", inode);
        state.fail();
      }
      store.buffer().sent(this);
    }
  }

  /** Sends and commits what has been waiting for too long. */
  void flushOlderThan(Duration age) {
    synchronized (state) {
      boolean safe = staging != null && state.active.isEmpty() && !state.pending.hasGoingThrough();
      boolean young =
          state.writtenEnd == 0 || System.nanoTime() - state.firstWriteNanos < age.toNanos();
      if (safe || young || state.flushingOld) {
        return;
      }
      state.flushingOld = true;
    }
    store.background().execute(this::flushOld);
  }

  private void flushOld() {
    send();
    try {
      commits.awaitSafe();
    } catch (IOException e) {
      log.error("inode {}: {}", inode, e.getMessage());
    } finally {
      synchronized (state) {
        state.flushingOld = false;
      }
    }
  }

  /**
   * Returns once everything written before is safe: in the object store and committed, or in the
   * journal.
   */
  void flush() throws IOException {
    boolean written;
    synchronized (state) {
      written = state.writtenSinceFlush;
      state.writtenSinceFlush = false;
    }
    sendAll(bytes -> {});
    commits.awaitSafe();
    if (staging != null && written) {
      staging.throttle();
    }
  }

  /** Returns once everything written before is in the object store and committed. */
  void drain() throws IOException {
    sendAll(bytes -> {});
    commits.awaitCommitted();
  }

  /**
   * What is gathered but not sent of a range, as it is now. A reader takes it before it looks at
   * the extents: bytes may leave for those meanwhile.
   */
  List<Gathering.Gathered> gathered(long offset, int length) {
    synchronized (state) {
      return state.active.copy(offset, length);
    }
  }

  /** Copies what is gathered but not sent over the bytes that are there. */
  void overlay(long offset, ByteBuffer dst, int dstFrom, int length) {
    synchronized (state) {
      state.active.overlay(offset, dst, dstFrom, length);
    }
  }

  /** The committed extents of a chunk with those that are sent on top of them. */
  List<Extent> extents(int chunk) throws RefusedException {
    while (true) {
      long before;
      List<Extent> sent;
      synchronized (state) {
        before = state.generation;
        sent = state.pending.extents(chunk);
      }
      List<Extent> committed = chunks.extents(chunk);
      synchronized (state) {
        if (state.generation != before) {
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
  boolean readPending(BlockId id, int offset, ByteBuffer dst) {
    synchronized (state) {
      PendingBlock block = state.pending.find(id);
      return block != null && block.read(offset, dst);
    }
  }
}

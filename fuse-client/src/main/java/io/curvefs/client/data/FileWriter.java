package io.curvefs.client.data;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.Page;
import io.curvefs.cache.page.PagedBytes;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.staging.Journal;
import io.curvefs.client.staging.StagedBlock;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SliceId;
import io.curvefs.proto.CommitExtents;
import io.curvefs.proto.Extent;
import io.curvefs.proto.Timestamp;
import io.curvefs.slice.Layout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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

  /** Where bytes are safe before they are committed; null: only in the object store. */
  private final @Nullable StagedUploads staging;

  @GuardedBy("this")
  private final Gathering active = new Gathering();

  @GuardedBy("this")
  private final PendingBlocks pending = new PendingBlocks();

  /** The slice that the next block may continue; null: none. */
  @GuardedBy("this")
  private @Nullable OpenSlice openSlice;

  @GuardedBy("this")
  private boolean committing;

  /**
   * A commit of blocks from the journal was sent, and whether it was carried out is unknown:
   * nothing is committed before that is known.
   */
  @GuardedBy("this")
  private boolean unsure;

  /** A flush of what has been waiting for too long is under way. */
  @GuardedBy("this")
  private boolean flushingOld;

  /** End of everything written since the last commit; 0: nothing. */
  @GuardedBy("this")
  private long writtenEnd;

  @GuardedBy("this")
  private Timestamp lastWrite = Timestamp.getDefaultInstance();

  /** What the modification time will be: of the last write, unless it was set by hand since. */
  @GuardedBy("this")
  private Timestamp mtime = Timestamp.getDefaultInstance();

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
    synchronized (this) {
      Window window = active.at(number);
      window.put(within, src, length, pages);
      if (writtenEnd == 0) {
        firstWriteNanos = System.nanoTime();
      }
      writtenEnd = Math.max(writtenEnd, at + length);
      lastWrite = store.clock().now();
      mtime = lastWrite;
      store.buffer().written(this);
      if (!window.isFull()) {
        return;
      }
    }
    SliceId fresh = store.sliceIds().next();
    PendingBlock full = null;
    synchronized (this) {
      Window window = active.find(number);
      if (window != null && window.isFull()) {
        full = freeze(number, window, fresh);
      }
    }
    if (full != null) {
      dispatch(full);
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
        Map.Entry<Long, Window> first = active.first();
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
        new PendingBlock(id, Layout.chunkIndex(windowStart), extents, fileEnd, lastWrite, window);
    stage(block, window);
    pending.add(block);
    generation++;
    return block;
  }

  /** Has the block put into the journal, if there is one and it takes it. */
  @GuardedBy("this")
  private void stage(PendingBlock block, Window window) {
    if (staging == null || !pending.mayGoOnInJournal()) {
      return;
    }
    OptionalLong sequence =
        staging
            .journal()
            .append(
                new Journal.NewBlock(
                    inode, block.id, block.chunk, block.extents, block.fileEnd, block.mtime),
                window.content(),
                failure -> staged(block, failure));
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
    synchronized (this) {
      window = block.window;
      wanted = pending.contains(block);
      first = pending.hasNoneInJournalBefore(block.sequence);
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
      generation++;
      notifyAll();
    }
    if (window == null || staging == null) {
      throw new IllegalStateException("staged twice: " + block.id);
    }
    store.buffer().arrived(window.pages().size());
    if (failure == null || !wanted) {
      keepOrRelease(block, window, wanted);
    }
    if (failure == null && wanted) {
      staging.add(this, block);
    } else if (failure == null && first) {
      staging.done(inode, block.sequence, ignored -> {});
    } else if (fromMemory) {
      upload(block);
    }
  }

  /** Sends a block from memory, unless the journal has it. */
  private void dispatch(PendingBlock block) {
    boolean fromMemory;
    synchronized (this) {
      fromMemory = !block.isInJournal() && !block.dispatched;
      block.dispatched |= fromMemory;
    }
    if (fromMemory) {
      upload(block);
    }
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
      commitDue = isCommitDue();
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
  private boolean isCommitDue() {
    return !committing
        && !unsure
        && (pending.uploadedPrefix() >= COMMIT_BLOCKS || pending.isWhollyUploadedFromJournal());
  }

  /** On a thread of the object store: must not block. */
  void uploadedFromJournal(PendingBlock block, boolean good) {
    boolean unwanted;
    boolean commitDue;
    synchronized (this) {
      boolean wanted = pending.contains(block);
      block.uploaded |= good;
      unwanted = good && !wanted && block.unwanted;
      // What is behind a block that fails is waiting for it; what is before is not.
      commitDue =
          isCommitDue() || (!good && !committing && !unsure && pending.uploadedPrefix() > 0);
      notifyAll();
    }
    if (unwanted && staging != null) {
      staging.delete(List.of(block.id));
    }
    if (commitDue) {
      store.background().execute(this::commitInBackground);
    }
  }

  synchronized boolean isWanted(PendingBlock block) {
    return pending.contains(block);
  }

  /**
   * Everything that is neither committed nor in the journal is lost; every handle hears of it once.
   */
  @GuardedBy("this")
  private void fail() {
    failures++;
    pending.dropGoingThrough();
    openSlice = null;
    writtenEnd = pending.end();
    active.release(store.buffer());
    chunks.lost();
  }

  /** Nobody will ask for a flush again: what is neither committed nor in the journal is lost. */
  synchronized void abandon() {
    if (staging == null ? writtenEnd != 0 : !active.isEmpty() || pending.hasGoingThrough()) {
      log.error("inode {}: what was written last could not be sent and is lost", inode);
      fail();
    }
    store.buffer().sent(this);
  }

  private void commitInBackground() {
    try {
      boolean more = commitUploaded();
      while (more) {
        synchronized (this) {
          more = isCommitDue();
        }
        more = more && commitUploaded();
      }
    } catch (RefusedException e) {
      log.error("inode {}: what was written could not be committed: {}", inode, e.getMessage());
    }
  }

  /** Sends and commits what has been waiting for too long. */
  void flushOlderThan(Duration age) {
    synchronized (this) {
      boolean safe = staging != null && active.isEmpty() && !pending.hasGoingThrough();
      boolean young = writtenEnd == 0 || System.nanoTime() - firstWriteNanos < age.toNanos();
      if (safe || young || flushingOld) {
        return;
      }
      flushingOld = true;
    }
    store.background().execute(this::flushOld);
  }

  private void flushOld() {
    send();
    try {
      awaitSafe();
    } catch (IOException e) {
      log.error("inode {}: {}", inode, e.getMessage());
    } finally {
      synchronized (this) {
        flushingOld = false;
      }
    }
  }

  /**
   * Returns once everything written before is safe: in the object store and committed, or in the
   * journal.
   */
  void flush() throws IOException {
    long[] sent = {0};
    sendAll(bytes -> sent[0] += bytes);
    awaitSafe();
    if (staging != null && sent[0] > 0) {
      staging.throttle();
    }
  }

  /** Returns once everything written before is in the object store and committed. */
  void drain() throws IOException {
    sendAll(bytes -> {});
    awaitCommitted();
  }

  private void awaitSafe() throws IOException {
    if (staging != null) {
      long failuresBefore = failures();
      long stuckAt = System.nanoTime() + STUCK.toNanos();
      synchronized (this) {
        while (pending.hasUnsafe()) {
          awaitChange(stuckAt);
        }
        requireNoFailureSince(failuresBefore);
        if (!pending.hasGoingThrough()) {
          return;
        }
      }
    }
    awaitCommitted();
  }

  @GuardedBy("this")
  private void requireNoFailureSince(long failuresBefore) throws RefusedException {
    if (failures > failuresBefore) {
      throw new RefusedException(
          Refusal.EIO, "writing inode " + inode + " failed: the log has the cause");
    }
  }

  @GuardedBy("this")
  private void awaitChange(long stuckAt) throws RefusedException {
    long left = stuckAt - System.nanoTime();
    if (left <= 0) {
      if (staging == null || pending.hasGoingThrough()) {
        fail();
      }
      throw new RefusedException(
          Refusal.EIO, "writing inode " + inode + " has been stuck for " + STUCK);
    }
    try {
      TimeUnit.NANOSECONDS.timedWait(this, left);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException(Refusal.EINTR);
    }
  }

  private void awaitCommitted() throws IOException {
    long failuresBefore = failures();
    long stuckAt = System.nanoTime() + STUCK.toNanos();
    while (true) {
      synchronized (this) {
        requireNoFailureSince(failuresBefore);
        if (pending.isEmpty()) {
          return;
        }
        if (committing || unsure || pending.uploadedPrefix() == 0) {
          awaitChange(stuckAt);
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
   * @return whether there were any, and they are committed
   */
  private boolean commitUploaded() throws RefusedException {
    List<PendingBlock> blocks;
    CommitExtents.Builder commit;
    synchronized (this) {
      blocks = committing || unsure ? List.of() : pending.committable();
      if (blocks.isEmpty()) {
        return false;
      }
      committing = true;
      commit = PendingBlocks.commit(inode, blocks);
    }
    boolean fromJournal = staging != null && blocks.get(0).isInJournal();
    Attributes after = null;
    RefusedException refused = null;
    try {
      after = store.namespace().commit(commit);
    } catch (RefusedException e) {
      refused = e;
    } finally {
      synchronized (this) {
        committing = false;
        if (after != null) {
          committed(blocks, after, commit);
        } else if (staging != null && fromJournal) {
          unsure = true;
          if (refused == null) {
            staging.later(this::settle);
          }
        } else {
          fail();
        }
        notifyAll();
      }
    }
    if (staging != null && fromJournal && refused != null) {
      uncertain(refused);
      return false;
    }
    if (refused != null) {
      throw refused;
    }
    if (staging != null) {
      staging.succeeded();
      told(staging, blocks.get(blocks.size() - 1).sequence);
    }
    return true;
  }

  @GuardedBy("this")
  private void committed(
      List<PendingBlock> blocks, Attributes after, CommitExtents.Builder commit) {
    chunks.committed(after, commit.getChunksList());
    pending.removeAll(blocks);
    gone();
  }

  /** Some blocks are not pending any more. */
  @GuardedBy("this")
  private void gone() {
    if (pending.isEmpty() && active.isEmpty()) {
      writtenEnd = 0;
    } else {
      firstWriteNanos = System.nanoTime();
    }
    generation++;
    notifyAll();
  }

  private void told(StagedUploads to, long done) {
    if (done != 0) {
      to.done(inode, done, ignored -> {});
    }
    if (!hasPending()) {
      to.drained(inode);
    }
  }

  /** Whether something is gathered, or sent and not committed. */
  synchronized boolean hasPending() {
    return !active.isEmpty() || !pending.isEmpty();
  }

  // ---- blocks in the journal whose commit did not come through, or an earlier mount's ----

  /** Takes over what an earlier mount has left in the journal. */
  synchronized void recover(List<StagedBlock> blocks) {
    for (StagedBlock block : blocks) {
      pending.add(
          PendingBlock.inJournal(
              block.sequence(),
              block.id(),
              block.chunk(),
              block.extents(),
              block.fileEnd(),
              block.mtime(),
              block.staged()));
      lastWrite = block.staged();
      mtime = block.mtime();
    }
    writtenEnd = pending.end();
    firstWriteNanos = System.nanoTime();
    unsure = true;
  }

  private void uncertain(RefusedException refused) {
    if (staging == null) {
      return;
    }
    if (refused.refusal() == Refusal.ENOENT) {
      vanished();
      return;
    }
    staging.failed("committing inode " + inode, refused);
    staging.later(this::settle);
  }

  /** The file is gone: nobody wants its bytes any more. */
  private void vanished() {
    log.debug("inode {} was removed; what was written to it is dropped", inode);
    List<PendingBlock> dropped;
    synchronized (this) {
      dropped = pending.all();
      dropped.forEach(block -> block.unwanted = true);
      fail();
      pending.removeAll(dropped);
      writtenEnd = 0;
      unsure = false;
      gone();
    }
    dropFromJournal(dropped, ignored -> {});
  }

  /** Blocks that are not pending any more, and whose objects nothing will refer to. */
  private void dropFromJournal(List<PendingBlock> dropped, Journal.Completion completion) {
    if (staging == null) {
      return;
    }
    List<BlockId> uploaded = new ArrayList<>();
    long upTo = 0;
    synchronized (this) {
      for (PendingBlock block : dropped) {
        upTo = Math.max(upTo, block.sequence);
        if (block.uploaded) {
          uploaded.add(block.id);
        }
      }
    }
    staging.delete(uploaded);
    if (upTo != 0) {
      staging.done(inode, upTo, completion);
    } else {
      completion.done(null);
    }
    if (!hasPending()) {
      staging.drained(inode);
    }
  }

  /**
   * Finds out which blocks of the journal are committed. The others get new names: what became of
   * the old ones is not known, so neither may they be committed (they may be garbage) nor deleted
   * (a commit of them may still be on its way).
   */
  void settle() {
    List<PendingBlock> blocks;
    synchronized (this) {
      if (!unsure || staging == null) {
        return;
      }
      blocks = pending.all().stream().filter(block -> block.staged).toList();
    }
    boolean known = false;
    try {
      int committed = Settlement.committed(store.namespace(), inode, blocks);
      Map<PendingBlock, @Nullable PendingBlock> replacements = new LinkedHashMap<>();
      for (PendingBlock block : blocks.subList(0, committed)) {
        replacements.put(block, null);
      }
      for (PendingBlock block : blocks.subList(committed, blocks.size())) {
        replacements.put(block, block.renamed(store.sliceIds().next().value()));
      }
      settled(replacements, committed == 0 ? 0 : blocks.get(committed - 1).sequence);
      known = true;
    } catch (RefusedException e) {
      known = true;
      uncertain(e);
    } finally {
      if (!known) {
        staging.later(this::settle); // a defect; not for ever, though
      }
    }
  }

  private void settled(Map<PendingBlock, @Nullable PendingBlock> replacements, long done) {
    if (staging == null) {
      return;
    }
    synchronized (this) {
      pending.replace(replacements);
      openSlice = null;
      unsure = false;
      Set<PendingBlock> still = new HashSet<>(pending.all());
      for (PendingBlock block : replacements.values()) {
        if (block != null && still.contains(block)) {
          staging.journal().rename(block.sequence, block.id, block.extents);
        }
      }
      if (done != 0) {
        chunks.forget();
      }
      gone();
    }
    replacements.forEach(
        (before, after) -> {
          if (after != null) {
            staging.add(this, after);
          }
        });
    told(staging, done);
  }

  // ---- other changes, in order with what is written ----

  /**
   * What is written so far gives the file this modification time, although it may be committed
   * later.
   */
  void setTimes(Timestamp byHand) throws IOException {
    if (staging == null) {
      return;
    }
    CompletableFuture<Void> safe = null;
    synchronized (this) {
      awaitNotCommitting();
      if (pending.isEmpty()) {
        return;
      }
      if (!pending.hasGoingThrough()) {
        pending.setTimes(byHand);
        mtime = byHand;
        safe = staging.journal().times(inode, pending.lastInJournal(), byHand);
      }
    }
    try {
      if (safe != null) {
        safe.get(STUCK.toSeconds(), TimeUnit.SECONDS);
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException(Refusal.EINTR);
    } catch (ExecutionException | TimeoutException e) {
      log.warn("inode {}: the journal did not take a time: {}", inode, e.getMessage());
    }
    awaitCommitted();
  }

  /** Waits until no commit is under way, nor one whose outcome is unknown. */
  @GuardedBy("this")
  private void awaitNotCommitting() throws RefusedException {
    long stuckAt = System.nanoTime() + STUCK.toNanos();
    while (committing || unsure) {
      awaitChange(stuckAt);
    }
  }

  /**
   * Empties the file. What of it is in the journal is then dropped instead of committed.
   *
   * @param action does it at the metaserver
   * @return empty when that cannot be done now: drain first
   */
  Optional<Attributes> empty(FileData.AttributeSource action) throws IOException {
    if (staging == null) {
      return Optional.empty();
    }
    long upTo;
    synchronized (this) {
      awaitNotCommitting();
      if (pending.hasGoingThrough() || pending.hasUnsafe() || !active.isEmpty()) {
        return Optional.empty();
      }
      committing = true; // nobody else does until this is over
      upTo = pending.lastInJournal();
    }
    Attributes after;
    List<PendingBlock> dropped = List.of();
    boolean emptied = false;
    try {
      after = action.get();
      emptied = true;
    } finally {
      synchronized (this) {
        committing = false;
        if (emptied) {
          dropped =
              pending.all().stream()
                  .filter(block -> block.isInJournal() && block.sequence <= upTo)
                  .toList();
          dropped.forEach(block -> block.unwanted = true);
          pending.removeAll(dropped);
          openSlice = null;
          writtenEnd = Math.max(pending.end(), active.end());
          gone();
        }
        notifyAll();
      }
    }
    CompletableFuture<Void> safe = new CompletableFuture<>();
    dropFromJournal(
        dropped,
        failure -> {
          if (failure == null) {
            safe.complete(null);
          } else {
            safe.completeExceptionally(failure);
          }
        });
    try {
      safe.get(STUCK.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException(Refusal.EINTR);
    } catch (ExecutionException | TimeoutException e) {
      throw new IOException("the journal did not take a truncation: " + e.getMessage(), e);
    }
    return Optional.of(after);
  }

  /**
   * What is gathered but not sent of a range, as it is now. A reader takes it before it looks at
   * the extents: bytes may leave for those meanwhile.
   */
  synchronized List<Gathering.Gathered> gathered(long offset, int length) {
    return active.copy(offset, length);
  }

  /** Copies what is gathered but not sent over the bytes that are there. */
  synchronized void overlay(long offset, ByteBuffer dst, int dstFrom, int length) {
    active.overlay(offset, dst, dstFrom, length);
  }

  /** The committed extents of a chunk with those that are sent on top of them. */
  List<Extent> extents(int chunk) throws RefusedException {
    while (true) {
      long before;
      List<Extent> sent;
      synchronized (this) {
        before = generation;
        sent = pending.extents(chunk);
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
    PendingBlock block = pending.find(id);
    return block != null && block.read(offset, dst);
  }

  /**
   * Where everything written since the last commit ends, and when; null: nothing is uncommitted.
   */
  synchronized @Nullable Uncommitted uncommitted() {
    return writtenEnd == 0 ? null : new Uncommitted(writtenEnd, mtime, lastWrite);
  }

  record Uncommitted(long end, Timestamp mtime, Timestamp changed) {}

  synchronized long failures() {
    return failures;
  }
}

package io.curvefs.client.staging;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.BlockId;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Extent;
import io.curvefs.proto.JournalBlock;
import io.curvefs.proto.JournalDone;
import io.curvefs.proto.JournalRecord;
import io.curvefs.proto.JournalTimes;
import io.curvefs.proto.Timestamp;
import io.curvefs.time.WallClock;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Written bytes on a local disk until they are committed: segments to which a single thread appends
 * and which it forces, as many records at once as have come meanwhile. Bounded in bytes and blocks;
 * what does not fit is not taken. Segments go in the order in which they came, the oldest first, so
 * that no block outlives the record that says it is done. Thread-safe.
 */
public final class Journal implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Journal.class);

  /** Blocks cost memory too, about 2 KiB each with their file. */
  private static final int BLOCKS_MAX = 32_768;

  /** Of all blocks, about 100 bytes each; of written files most blocks have one. */
  private static final int EXTENTS_MAX = 262_144;

  private static final long SEGMENT_BYTES_MAX = 64 << 20;
  private static final int SEGMENTS_MIN = 8;

  /** Most content that is written before one force. */
  private static final long BATCH_BYTES = 32 << 20;

  private static final int COPY_BYTES = 64 << 10;

  /** What is reckoned for a block's record; few are longer. */
  private static final int RECORD_BYTES = 4 << 10;

  /** After a failure of the disk nothing is taken for so long. */
  private static final Duration PAUSE = Duration.ofSeconds(10);

  /** Pause before records of blocks that are done are tried again. */
  private static final Duration RETRY = Duration.ofSeconds(1);

  private static final Duration CLOSE_MAX = Duration.ofSeconds(30);

  private final SegmentStore store;
  private final long bytesMax;
  private final WallClock clock;
  private final LongSupplier nanoTime;
  private final long writer;
  private final Thread thread;

  /** Of an earlier mount, until they are taken over. */
  @GuardedBy("this")
  private List<StagedBlock> recovered;

  @GuardedBy("this")
  private final JournalState state;

  @GuardedBy("this")
  private final Deque<Entry> queue = new ArrayDeque<>();

  @GuardedBy("this")
  private int queuedBlocks;

  @GuardedBy("this")
  private long queuedExtents;

  @GuardedBy("this")
  private long queuedBytes;

  @GuardedBy("this")
  private long nextSequence;

  @GuardedBy("this")
  private long lastTaken;

  /** No blocks are taken: the mount does not want it. */
  private final boolean taking;

  /** The disk has failed, and what was lost is being told of: nothing is taken. */
  @GuardedBy("this")
  private boolean failed;

  /** Nothing is taken until then; it begins when all that was lost is told of. */
  @GuardedBy("this")
  private boolean paused;

  @GuardedBy("this")
  private long pausedUntil;

  /** Nothing is taken any more: the disk fails for good. */
  @GuardedBy("this")
  private boolean refusing;

  @GuardedBy("this")
  private boolean closed;

  private final SegmentLog segments;

  /** Of the journal's thread. */
  private boolean failing;

  /** Hears that a block is safe, or why not. Must not block; on the journal's thread. */
  @FunctionalInterface
  public interface Completion {
    void done(@Nullable IOException failure);
  }

  /** The disk has changed the bytes of a block: they are gone, unless somebody has a copy of it. */
  public static final class DamagedException extends IOException {
    private static final long serialVersionUID = 1;

    private DamagedException(String journal, JournalState.Stored stored) {
      super(
          String.format(
              Locale.ROOT,
              "block %s of inode %s is damaged in write-back journal %s, segment %016x, and cannot"
                  + " be uploaded, nor what was written to this file after it: 'find DIR -inum %s'"
                  + " names the file; empty it and write it anew",
              stored.block().id(),
              stored.block().inode(),
              journal,
              stored.segment(),
              stored.block().inode()));
    }
  }

  /** A block to be put here; its bytes come beside it. */
  public record NewBlock(
      InodeId inode, BlockId id, int chunk, List<Extent> extents, long fileEnd, Timestamp mtime) {}

  /**
   * @param block null: a record about others
   */
  private record Entry(
      long sequence,
      JournalRecord record,
      @Nullable StagedBlock block,
      List<ByteBuffer> content,
      Completion completion) {
    long bytes() {
      return (long) JournalFormat.FRAME_BYTES
          + record.getSerializedSize()
          + (block == null ? 0 : block.id().length());
    }
  }

  private Journal(
      SegmentStore store,
      UUID fileSystem,
      long bytesMax,
      boolean taking,
      WallClock clock,
      LongSupplier nanoTime,
      long writer)
      throws IOException {
    this.store = store;
    this.bytesMax = bytesMax;
    this.taking = taking;
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.writer = writer;
    JournalRecovery found = JournalRecovery.read(store, fileSystem);
    this.state = found.state();
    this.recovered = state.blocks();
    this.nextSequence = found.nextSequence();
    this.segments =
        new SegmentLog(
            store, fileSystem, Math.min(SEGMENT_BYTES_MAX, bytesMax / SEGMENTS_MIN), found);
    this.thread = new DefaultThreadFactory("writeback-journal", true).newThread(this::run);
  }

  /**
   * Reads what is there and begins to take more.
   *
   * @param store becomes the journal's, unless this throws
   * @param bytesMax most bytes of all segments
   * @param taking whether new blocks are wanted; if not, what is there is only worked off
   * @param random names this opening among all of all journals
   * @throws IOException one line for the user: the journal is damaged, or not of this file system
   */
  public static Journal open(
      SegmentStore store,
      UUID fileSystem,
      long bytesMax,
      boolean taking,
      WallClock clock,
      RandomGenerator random)
      throws IOException {
    return open(store, fileSystem, bytesMax, taking, clock, System::nanoTime, random);
  }

  static Journal open(
      SegmentStore store,
      UUID fileSystem,
      long bytesMax,
      boolean taking,
      WallClock clock,
      LongSupplier nanoTime,
      RandomGenerator random)
      throws IOException {
    long writer = 0;
    while (writer == 0) {
      writer = random.nextLong();
    }
    Journal journal = new Journal(store, fileSystem, bytesMax, taking, clock, nanoTime, writer);
    journal.thread.start();
    return journal;
  }

  /** Blocks of an earlier mount that were not done, oldest first; told once. */
  public synchronized List<StagedBlock> recovered() {
    List<StagedBlock> blocks = recovered;
    recovered = List.of();
    return blocks;
  }

  /**
   * Names this opening of the journal. Its blocks are told by this and their sequence number:
   * another opening may number others alike, when the disk has lost some.
   */
  public long writer() {
    return writer;
  }

  /** Sequence number of the last block that this opening has taken, safe or not; 0: none. */
  public synchronized long lastTaken() {
    return lastTaken;
  }

  // ---- taking ----

  /**
   * Takes a block, to be safe once the completion says so.
   *
   * @param content its bytes; must not change, nor be given back, before the completion
   * @return the block's sequence number; empty when it is not taken and the completion is not
   *     called
   */
  public synchronized OptionalLong append(
      NewBlock block, List<ByteBuffer> content, Completion completion) {
    if (!admits(block)) {
      return OptionalLong.empty();
    }
    Timestamp now = clock.now();
    long sequence = nextSequence++;
    JournalRecord record =
        JournalRecord.newBuilder()
            .setBlock(
                JournalBlock.newBuilder()
                    .setInode(block.inode().value())
                    .setChunk(block.chunk())
                    .addAllExtents(block.extents())
                    .setSlice(block.id().slice())
                    .setIndex(block.id().index())
                    .setFileEnd(block.fileEnd())
                    .setMtime(block.mtime())
                    .setStaged(now)
                    .setWriter(writer))
            .build();
    if (record.getSerializedSize() > JournalFormat.RECORD_BYTES_MAX) {
      return OptionalLong.empty();
    }
    StagedBlock staged =
        new StagedBlock(
            writer,
            sequence,
            block.inode(),
            block.id(),
            block.chunk(),
            block.extents(),
            block.fileEnd(),
            block.mtime(),
            now);
    lastTaken = sequence;
    queuedBlocks++;
    queuedExtents += block.extents().size();
    enqueue(new Entry(sequence, record, staged, content, completion));
    return OptionalLong.of(sequence);
  }

  @GuardedBy("this")
  private boolean admits(NewBlock block) {
    return taking
        && state.count() + queuedBlocks < BLOCKS_MAX
        && state.extents() + queuedExtents + block.extents().size() <= EXTENTS_MAX
        && admits(block.id().length());
  }

  /** Whether a record may be added, with content of so many bytes. */
  @GuardedBy("this")
  private boolean admits(int contentBytes) {
    if (paused && nanoTime.getAsLong() - pausedUntil >= 0) {
      paused = false;
    }
    return !closed
        && !refusing
        && !failed
        && !paused
        && segments.storedBytes() + queuedBytes + contentBytes + RECORD_BYTES <= bytesMax;
  }

  @GuardedBy("this")
  private void enqueue(Entry entry) {
    queue.add(entry);
    queuedBytes += entry.bytes();
    notifyAll();
  }

  /**
   * The inode's blocks so far give the file this modification time.
   *
   * @return fails when that could not be made safe, or there is no room for it
   */
  public synchronized CompletableFuture<Void> times(InodeId inode, long upTo, Timestamp mtime) {
    CompletableFuture<Void> safe = new CompletableFuture<>();
    if (!admits(0)) {
      safe.completeExceptionally(new IOException("it is full, closed, or its disk fails"));
      return safe;
    }
    JournalRecord record =
        JournalRecord.newBuilder()
            .setTimes(
                JournalTimes.newBuilder().setInode(inode.value()).setUpTo(upTo).setMtime(mtime))
            .build();
    enqueue(
        new Entry(
            nextSequence++,
            record,
            null,
            List.of(),
            failure -> {
              if (failure == null) {
                safe.complete(null);
              } else {
                safe.completeExceptionally(failure);
              }
            }));
    return safe;
  }

  /**
   * The inode's blocks up to this one are committed, or not wanted any more.
   *
   * @param completion when that is safe
   */
  public synchronized void done(InodeId inode, long upTo, Completion completion) {
    state.done(inode, upTo);
    JournalRecord record =
        JournalRecord.newBuilder()
            .setDone(JournalDone.newBuilder().setInode(inode.value()).setUpTo(upTo))
            .build();
    enqueue(new Entry(nextSequence++, record, null, List.of(), completion));
  }

  /** The block is uploaded under another name; this is not noted on disk. */
  public synchronized void rename(long sequence, BlockId id, List<Extent> extents) {
    state.rename(sequence, id, extents);
  }

  // ---- giving ----

  /**
   * Bytes of a block, checked. Each buffer is filled, and its position advances to its limit.
   *
   * @return false when the block is not here (any more)
   * @throws DamagedException when the bytes are not those that were written
   * @throws IOException when the disk fails
   */
  public boolean read(BlockId id, int offset, int length, List<ByteBuffer> into)
      throws IOException {
    JournalState.Stored stored;
    synchronized (this) {
      stored = state.find(id);
    }
    SegmentStore.Segment segment = stored == null ? null : segments.find(stored.segment());
    if (stored == null || segment == null) {
      return false;
    }
    try {
      if (!read(segment, stored, offset, length, into)) {
        throw new DamagedException(store.name(), stored);
      }
      return true;
    } catch (IOException e) {
      synchronized (this) {
        if (state.find(id) == null) {
          return false; // done meanwhile, and gone
        }
      }
      if (e instanceof DamagedException) {
        throw e;
      }
      throw new IOException(
          "write-back journal " + store.name() + ": block " + id + ": " + e.getMessage(), e);
    }
  }

  /** False when the bytes are not those that were written. */
  private static boolean read(
      SegmentStore.Segment segment,
      JournalState.Stored stored,
      int offset,
      int length,
      List<ByteBuffer> into)
      throws IOException {
    ByteBuffer piece = ByteBuffer.allocate(Math.min(COPY_BYTES, stored.block().id().length()));
    List<ByteBuffer> dst = into.stream().map(ByteBuffer::duplicate).toList();
    CRC32C crc = new CRC32C();
    int at = 0;
    int next = 0;
    int blockBytes = stored.block().id().length();
    while (at < blockBytes) {
      piece.clear().limit(Math.min(piece.capacity(), blockBytes - at));
      segment.read(stored.contentAt() + at, piece);
      piece.flip();
      crc.update(piece.duplicate());
      int from = Math.max(offset, at);
      int to = Math.min(offset + length, at + piece.limit());
      while (from < to) {
        ByteBuffer out = dst.get(next);
        if (!out.hasRemaining()) {
          next++;
          continue;
        }
        int count = Math.min(out.remaining(), to - from);
        out.put(piece.slice(from - at, count));
        from += count;
      }
      at += piece.limit();
    }
    if ((int) crc.getValue() != stored.contentChecksum()) {
      return false;
    }
    into.forEach(buffer -> buffer.position(buffer.limit()));
    return true;
  }

  /**
   * How much is here.
   *
   * @param storedBytes of all segments
   * @param oldest when the oldest block was staged; null: there is none
   */
  public record Usage(
      int files, int blocks, long bytes, long storedBytes, @Nullable Timestamp oldest) {}

  public synchronized Usage usage() {
    StagedBlock oldest = state.oldest();
    return new Usage(
        state.files(),
        state.count(),
        state.bytes(),
        segments.storedBytes(),
        oldest == null ? null : oldest.staged());
  }

  /** Where the journal is, for people. */
  public String name() {
    return store.name();
  }

  // ---- the thread ----

  private void run() {
    while (true) {
      List<Entry> batch;
      try {
        batch = take();
      } catch (InterruptedException e) {
        return;
      }
      if (batch.isEmpty()) {
        return;
      }
      IOException failure = write(batch);
      if (failure != null) {
        failed(batch, failure);
      }
      segments.dropFinished(this::isNeeded);
    }
  }

  private synchronized boolean isNeeded(long segment) {
    return state.liveIn(segment) > 0;
  }

  /** Empty: closed, and nothing is left. */
  private synchronized List<Entry> take() throws InterruptedException {
    while (queue.isEmpty() && !closed) {
      wait();
    }
    List<Entry> batch = new ArrayList<>();
    long bytes = 0;
    while (!queue.isEmpty() && bytes < BATCH_BYTES) {
      Entry entry = queue.remove();
      bytes += entry.bytes();
      batch.add(entry);
    }
    return batch;
  }

  /**
   * Appends and forces.
   *
   * @return why that failed; the batch is then what is not safe
   */
  private @Nullable IOException write(List<Entry> batch) {
    List<JournalState.@Nullable Stored> stored = new ArrayList<>();
    int from = 0;
    try {
      for (int to = 0; to < batch.size(); to++) {
        Entry entry = batch.get(to);
        if (!segments.hasRoom(entry.bytes())) {
          settle(batch.subList(from, to), stored);
          from = to;
          segments.rotate();
        }
        stored.add(put(entry));
      }
      settle(batch.subList(from, batch.size()), stored);
      failing = false;
      return null;
    } catch (IOException e) {
      batch.subList(0, from).clear();
      return e;
    }
  }

  private JournalState.@Nullable Stored put(Entry entry) throws IOException {
    int checksum = JournalFormat.checksum(entry.content);
    ByteBuffer frame =
        JournalFormat.frame(
            entry.sequence, segments.forcedBytes(), entry.record, entry.content, checksum);
    long contentAt = segments.append(frame, entry.content);
    StagedBlock block = entry.block;
    return block == null
        ? null
        : new JournalState.Stored(block, segments.number(), contentAt, checksum);
  }

  /** Makes safe what was appended, and says so. */
  private void settle(List<Entry> written, List<JournalState.@Nullable Stored> stored)
      throws IOException {
    if (written.isEmpty()) {
      return;
    }
    segments.force();
    long bytes = written.stream().mapToLong(Entry::bytes).sum();
    synchronized (this) {
      queuedBytes -= bytes;
      for (int i = 0; i < written.size(); i++) {
        JournalState.Stored block = stored.get(i);
        if (block != null) {
          queuedBlocks--;
          queuedExtents -= block.block().extents().size();
          state.add(block);
        } else if (written.get(i).record.hasTimes()) {
          JournalTimes times = written.get(i).record.getTimes();
          state.times(new InodeId(times.getInode()), times.getUpTo(), times.getMtime());
        }
      }
    }
    stored.clear();
    written.forEach(entry -> tell(entry, null));
  }

  /** Whatever is wrong with who listens: the journal goes on. */
  private static void tell(Entry entry, @Nullable IOException failure) {
    try {
      entry.completion.done(failure);
    } catch (RuntimeException e) {
      log.error("a listener to the write-back journal failed", e);
    }
  }

  /**
   * The disk fails, or is full: nothing that waits here is safe, and nothing more is taken for a
   * while. What says that blocks are done is tried again.
   */
  private void failed(List<Entry> batch, IOException failure) {
    if (!failing) {
      log.error(
          "write-back journal {} cannot be written; writes go through to the object store: {}",
          store.name(),
          String.valueOf(failure.getMessage()));
    }
    failing = true;
    List<Entry> lost = new ArrayList<>();
    List<Entry> kept = new ArrayList<>();
    synchronized (this) {
      failed = true;
      batch.addAll(queue);
      queue.clear();
      queuedBytes = 0;
      queuedBlocks = 0;
      queuedExtents = 0;
    }
    for (Entry entry : batch) {
      if (entry.record.hasDone() && !segments.isDead()) {
        kept.add(entry);
      } else {
        lost.add(entry);
      }
    }
    boolean repaired = segments.repair();
    // Nothing is taken before: who has not heard yet would put a block behind one that is lost.
    lost.forEach(entry -> tell(entry, failure));
    boolean again;
    synchronized (this) {
      failed = false;
      refusing |= !repaired;
      paused = true;
      pausedUntil = nanoTime.getAsLong() + PAUSE.toNanos();
      again = repaired && !closed;
      if (again) {
        kept.forEach(this::enqueue);
        pauseOfThread();
      }
    }
    if (!again) {
      kept.forEach(entry -> tell(entry, failure));
    }
  }

  /** Does not spin on a disk that fails all the time. */
  @GuardedBy("this")
  private void pauseOfThread() {
    long until = System.nanoTime() + RETRY.toNanos();
    long left = RETRY.toNanos();
    try {
      while (left > 0 && !closed) {
        TimeUnit.NANOSECONDS.timedWait(this, left);
        left = until - System.nanoTime();
      }
    } catch (InterruptedException e) {
      thread.interrupt();
    }
  }

  /** Writes what has been taken. What is not done by now is there for the next mount. */
  @Override
  public void close() throws IOException {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      notifyAll();
    }
    try {
      thread.join(CLOSE_MAX.toMillis());
      boolean empty;
      synchronized (this) {
        empty = state.isEmpty();
      }
      if (empty && !thread.isAlive()) {
        segments.dropAll();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      segments.close();
      store.close();
    }
  }
}

package io.curvefs.client.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.page.Page;
import io.curvefs.client.content.FileContent;
import io.curvefs.client.content.ReadStream;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.SetAttributes;
import io.curvefs.proto.Timestamp;
import io.curvefs.space.VolumeLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bytes of one file on volumes. Writes are gathered in memory, brought to their blocks in the
 * background, and committed by a flush. Thread-safe.
 *
 * <p>Lock order: {@link #order}, which is held over requests and transfers, before the monitor,
 * which is not.
 */
final class VolumeFile implements FileContent, WriteBuffer.Writer {
  private static final Logger log = LoggerFactory.getLogger(VolumeFile.class);
  private static final int BLOCK = VolumeLayout.BLOCK_BYTES;

  /** Gathered pages that are brought to their blocks without waiting for a flush: 8 MiB. */
  private static final int SEND_PAGES = (8 << 20) / DirtyPages.PAGE_BYTES;

  private final VolumeStore store;
  private final InodeId inode;
  private final BlockMap committed;
  private final VolumeReader reader;
  private final BlockCommit commit;

  /** Of write-outs, commits and changes of the length: one at a time. */
  private final ReentrantLock order = new ReentrantLock();

  @GuardedBy("this")
  private DirtyPages gathered = new DirtyPages();

  /** What a write-out has under way; its ranges and written bytes do not change. */
  @GuardedBy("this")
  private @Nullable DirtyPages sending;

  /** Blocks promised for what is gathered. */
  @GuardedBy("this")
  private int promised;

  /** Written blocks that are not committed; changed with both locks, read with either. */
  private final Runs pending = new Runs();

  /** End of everything written since the last commit; 0: nothing. */
  @GuardedBy("this")
  private long writtenEnd;

  /** End of what of it is on its blocks; 0: nothing. */
  @GuardedBy("this")
  private long sentEnd;

  /** What lies behind the file's end in its last block was made zeros since the last commit. */
  @GuardedBy("order")
  private boolean tailZeroed;

  @GuardedBy("this")
  private Timestamp mtime = Timestamp.getDefaultInstance();

  @GuardedBy("this")
  private Timestamp lastWrite = Timestamp.getDefaultInstance();

  @GuardedBy("this")
  private long firstWriteNanos;

  @GuardedBy("this")
  private boolean sendingInBackground;

  @GuardedBy("this")
  private long failures;

  VolumeFile(VolumeStore store, InodeId inode) {
    this.store = store;
    this.inode = inode;
    this.committed = new BlockMap(store.meta(), inode, store.freshness(), store.nanoTime());
    this.reader = new VolumeReader(store, committed);
    this.commit = new BlockCommit(store, inode);
  }

  @Override
  public InodeId inode() {
    return inode;
  }

  @Override
  public void opened(NamespaceClient.Opened opened) {
    committed.opened(opened.attributes(), opened.chunks(), opened.asked());
  }

  @Override
  public ReadStream stream(long readAheadBytesMax) {
    return new ReadStream(readAheadBytesMax);
  }

  // ---- reading ----

  @Override
  public int read(ReadStream stream, long offset, ByteBuffer dst, Attributes attributes)
      throws IOException {
    committed.requireVersion(attributes.dataVersion());
    int length = (int) Math.min(dst.remaining(), attributes.length() - offset);
    if (length <= 0) {
      return 0;
    }
    VolumeReader.Overlay over = new VolumeReader.Overlay();
    synchronized (this) {
      if (writtenEnd != 0) {
        over.blocks.addAll(pending.within(offset / BLOCK, (offset + length - 1) / BLOCK + 1));
        if (sending != null) {
          sending.copy(offset, length, over.bytes);
        }
        gathered.copy(offset, length, over.bytes);
      }
    }
    Attributes last = store.meta().lastSeen(inode);
    long valid = last == null ? attributes.length() : last.length();
    reader.read(offset, dst, length, Math.min(valid, attributes.length()), over);
    return length;
  }

  // ---- writing ----

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    long at = offset;
    while (src.hasRemaining()) {
      int within = (int) (at % DirtyPages.PAGE_BYTES);
      int length = Math.min(src.remaining(), DirtyPages.PAGE_BYTES - within);
      int blocks = blocksToPromise(at, length);
      if (blocks > 0) {
        promise(blocks);
      }
      boolean taken = false;
      try {
        Deque<Page> spare = store.buffer().acquire(DirtyPages.pagesTouched(at, length));
        try {
          put(at, src, length, spare, blocks);
          taken = true;
        } finally {
          store.buffer().release(spare);
        }
      } finally {
        if (!taken && blocks > 0) {
          store.pools().apply(inode).unpromise(blocks);
        }
      }
      at += length;
    }
  }

  /** Full volumes are written to the last block: what is gathered makes room for what comes. */
  private void promise(int blocks) throws IOException {
    SpacePool pool = store.pools().apply(inode);
    try {
      pool.promise(inode, blocks, 0);
    } catch (RefusedException e) {
      if (e.refusal() != Refusal.ENOSPC || !hasPromised()) {
        throw e;
      }
      writeOut(); // more may have been promised than was needed
      pool.promise(inode, blocks, 0);
    }
  }

  private synchronized boolean hasPromised() {
    return promised > 0;
  }

  /** Blocks that the file may not have, and that nothing was promised for yet. */
  private int blocksToPromise(long offset, int length) throws IOException {
    long from = offset / BLOCK;
    long to = (offset + length - 1) / BLOCK + 1;
    BlockMap.Located located = committed.locate(from, to);
    int blocks = 0;
    synchronized (this) {
      for (Run run : located.runs()) {
        for (long block = run.fileBlock(); run.isHole() && block < run.end(); block++) {
          boolean known =
              gathered.touches(block * BLOCK, (block + 1) * BLOCK)
                  || (sending != null && sending.touches(block * BLOCK, (block + 1) * BLOCK))
                  || !pending.within(block, block + 1).get(0).isHole();
          blocks += known ? 0 : 1;
        }
      }
    }
    return blocks;
  }

  private void put(long at, ByteBuffer src, int length, Deque<Page> spare, int blocks) {
    boolean full;
    synchronized (this) {
      if (writtenEnd == 0) {
        firstWriteNanos = store.nanoTime().getAsLong();
      }
      gathered.put(at, src, length, spare);
      promised += blocks;
      writtenEnd = Math.max(writtenEnd, at + length);
      lastWrite = store.clock().now();
      mtime = lastWrite;
      store.buffer().written(this);
      full = gathered.count() >= SEND_PAGES && !sendingInBackground;
      sendingInBackground |= full;
    }
    if (full) {
      store.background().execute(this::sendGathered);
    }
  }

  private void sendGathered() {
    try {
      writeOut();
    } catch (IOException e) {
      log.error("inode {}: {}", inode, e.getMessage());
    } finally {
      synchronized (this) {
        sendingInBackground = false;
      }
    }
  }

  @Override
  public long send() {
    long bytes;
    synchronized (this) {
      bytes = (long) gathered.count() * DirtyPages.PAGE_BYTES;
      if (sendingInBackground || bytes == 0) {
        store.buffer().sent(this);
        return bytes;
      }
      sendingInBackground = true;
    }
    store.background().execute(this::sendGathered);
    return bytes;
  }

  /** Brings what is gathered to its blocks. */
  private void writeOut() throws IOException {
    order.lock();
    try {
      long length = committedLength();
      DirtyPages pages;
      int expected;
      long end;
      synchronized (this) {
        store.buffer().sent(this);
        if (gathered.isEmpty()) {
          return;
        }
        pages = gathered;
        expected = promised;
        end = writtenEnd;
        gathered = new DirtyPages();
        promised = 0;
        sending = pages;
      }
      Collection<Page> memory = pages.memory();
      store.buffer().sending(memory.size());
      WriteOut out = writeOut(pages, length);
      boolean written = false;
      try {
        zeroTail(pages, end, length);
        out.run(expected);
        written = true;
      } finally {
        commit.taken(out.taken());
        synchronized (this) {
          sending = null;
          if (written) {
            out.added().forEach(pending::put);
            sentEnd = Math.max(sentEnd, end);
          } else {
            fail();
          }
        }
        store.buffer().arrived(memory.size());
        store.buffer().release(memory);
      }
    } finally {
      order.unlock();
    }
  }

  private WriteOut writeOut(DirtyPages pages, long length) {
    return new WriteOut(store, inode, committed, pending, pages, length, commit.unflushed());
  }

  /**
   * Before the file grows over its end.
   *
   * @param pages about to be written; a block of theirs is made whole anyway
   */
  @GuardedBy("order")
  private void zeroTail(DirtyPages pages, long end, long length) throws IOException {
    if (tailZeroed || end <= length) {
      return;
    }
    long block = length / BLOCK * BLOCK;
    if (!pages.touches(block, block + BLOCK)) {
      writeOut(new DirtyPages(), length).zeroTail();
    }
    tailZeroed = true;
  }

  private long committedLength() throws RefusedException {
    Attributes last = store.meta().lastSeen(inode);
    return last == null ? store.meta().attributes(inode).length() : last.length();
  }

  /** Everything that is not committed is lost; every handle hears of it once. */
  @GuardedBy("this")
  private void fail() {
    failures++;
    writtenEnd = 0;
    sentEnd = 0;
    pending.clear();
    commit.abandon();
    store.pools().apply(inode).unpromise(promised);
    promised = 0;
    store.buffer().sent(this);
    store.buffer().release(gathered.memory());
    gathered = new DirtyPages();
    committed.forget();
    store.listener().lostHere(inode);
  }

  @Override
  public void flush() throws IOException {
    order.lock();
    try {
      writeOut();
      commitWritten();
    } finally {
      order.unlock();
    }
  }

  @GuardedBy("order")
  private void commitWritten() throws IOException {
    BlockCommit.Written written;
    synchronized (this) {
      if (sentEnd == 0) {
        return;
      }
      written = new BlockCommit.Written(pending.all(), sentEnd, mtime);
    }
    Attributes after;
    try {
      after = commit.run(written);
      tailZeroed = false;
    } catch (IOException e) {
      synchronized (this) {
        fail();
      }
      throw e;
    }
    synchronized (this) {
      committed.committed(after, written.runs());
      pending.clear();
      sentEnd = 0;
      firstWriteNanos = store.nanoTime().getAsLong();
      writtenEnd = gathered.isEmpty() ? 0 : writtenEnd;
      store.listener().changedHere(inode, after.dataVersion());
    }
  }

  @Override
  public void drain() throws IOException {
    flush();
  }

  @Override
  public Attributes setAttributes(SetAttributes.Builder set, AttributeSource action)
      throws IOException {
    if (!set.hasLength() && !(isDirty() && (set.hasMtime() || set.hasAtime()))) {
      return action.get();
    }
    order.lock();
    try {
      flush();
      long length = set.hasLength() ? store.meta().attributes(inode).length() : 0;
      if (set.getLength() > length) {
        committed.forget();
        zeroTail(new DirtyPages(), set.getLength(), length);
        commit.flushDevices();
        tailZeroed = false;
      }
      Attributes after = action.get();
      if (set.hasLength()) {
        committed.forget();
      }
      return after;
    } finally {
      order.unlock();
    }
  }

  @Override
  public void changed() {
    committed.forget();
  }

  @Override
  public synchronized boolean isDirty() {
    return writtenEnd != 0;
  }

  @Override
  public Attributes withUncommitted(AttributeSource source) throws RefusedException {
    long end;
    Timestamp modified;
    Timestamp changed;
    synchronized (this) {
      end = writtenEnd;
      modified = mtime;
      changed = lastWrite;
    }
    Attributes attributes = source.get();
    return end == 0
        ? attributes
        : attributes.withUncommitted(Math.max(attributes.length(), end), modified, changed);
  }

  @Override
  public synchronized long failures() {
    return failures;
  }

  /** The last handle is gone: what is not committed is lost. */
  void abandon() {
    synchronized (this) {
      if (writtenEnd != 0) {
        log.error("inode {}: what was written last could not be committed and is lost", inode);
        fail();
      }
    }
  }

  /** Commits what has been waiting for too long, in the background. */
  void flushOlderThan(Duration age) {
    synchronized (this) {
      if (writtenEnd == 0
          || sendingInBackground
          || store.nanoTime().getAsLong() - firstWriteNanos < age.toNanos()) {
        return;
      }
      sendingInBackground = true;
    }
    store
        .background()
        .execute(
            () -> {
              try {
                flush();
              } catch (IOException e) {
                log.error("inode {}: {}", inode, e.getMessage());
              } finally {
                synchronized (this) {
                  sendingInBackground = false;
                }
              }
            });
  }

  /** All that is written and not committed. */
  synchronized List<Run> uncommitted() {
    return pending.all();
  }
}

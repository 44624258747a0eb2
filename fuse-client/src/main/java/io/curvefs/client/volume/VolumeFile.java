package io.curvefs.client.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.page.Page;
import io.curvefs.cache.readahead.ReadStreams;
import io.curvefs.client.content.FileContent;
import io.curvefs.client.content.ReadStream;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.proto.SetAttributes;
import io.curvefs.proto.Timestamp;
import io.curvefs.space.VolumeLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
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

  /** The session that has reserved them; null: there are none. As {@link #pending}. */
  private @Nullable SessionId pendingOwner;

  /** End of everything written since the last commit; 0: nothing. */
  @GuardedBy("this")
  private long writtenEnd;

  /** End of what of it is on its blocks; 0: nothing. */
  @GuardedBy("this")
  private long sentEnd;

  /** Where new blocks come from, from the first write to the last close; null: not known yet. */
  private volatile @Nullable SpacePool pool;

  /** Grows with all that may make other bytes of committed ones. */
  @GuardedBy("this")
  private long stamp;

  @GuardedBy("this")
  private Timestamp mtime = Timestamp.getDefaultInstance();

  @GuardedBy("this")
  private Timestamp lastWrite = Timestamp.getDefaultInstance();

  @GuardedBy("this")
  private long firstWriteNanos;

  @GuardedBy("this")
  private boolean sendingInBackground;

  /** What is gathered is wanted on its blocks, after what is being sent. */
  @GuardedBy("this")
  private boolean sendAgain;

  @GuardedBy("this")
  private long failures;

  VolumeFile(VolumeStore store, InodeId inode) {
    this.store = store;
    this.inode = inode;
    this.committed = new BlockMap(store.meta(), inode, store.freshness(), store.nanoTime());
    this.reader = new VolumeReader(store.meta(), store.devices(), store.freshness(), committed);
    this.commit = new BlockCommit(store, inode, committed);
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
    ReadStreams.Advice advice = stream.onRead(offset, length, attributes.length());
    VolumeReader.Overlay over = new VolumeReader.Overlay();
    ReadAhead.Source clean = null;
    synchronized (this) {
      if (writtenEnd == 0) {
        clean = new ReadAhead.Source(reader, stamp);
      } else {
        over.owner = pendingOwner;
        over.blocks.addAll(pending.within(offset / BLOCK, (offset + length - 1) / BLOCK + 1));
        if (sending != null) {
          sending.copy(offset, length, over.bytes);
        }
        gathered.copy(offset, length, over.bytes);
      }
    }
    int done = 0;
    if (clean != null) {
      if (advice.ahead().isPresent()) {
        store.readAhead().fetch(clean, advice.ahead().get(), attributes.length());
      }
      done = store.readAhead().read(clean, attributes.dataVersion(), offset, dst, length);
    }
    if (done < length) {
      reader.read(offset + done, dst, length - done, over);
    }
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
          unpromise(blocks);
        }
      }
      at += length;
    }
  }

  /** Full volumes are written to the last block: what is gathered makes room for what comes. */
  private void promise(int blocks) throws IOException {
    SpacePool pool = pool();
    try {
      pool.promise(inode, blocks, 0);
    } catch (RefusedException e) {
      if (e.refusal() != Refusal.ENOSPC || !hasPromised()) {
        throw e;
      }
      writeOut(true); // more may have been promised than was needed
      pool.promise(inode, blocks, 0);
    }
  }

  private SpacePool pool() throws RefusedException {
    SpacePool known = pool;
    if (known != null) {
      return known;
    }
    SpacePool found = store.pools().of(inode);
    synchronized (this) {
      known = pool;
      if (known == null) {
        known = found;
        pool = found;
      }
      return known;
    }
  }

  /**
   * So many promised blocks are not needed after all; there are some only where a pool is known.
   */
  private void unpromise(int blocks) {
    SpacePool known = pool;
    if (known != null) {
      known.unpromise(blocks);
    }
  }

  private synchronized boolean hasPromised() {
    return promised > 0;
  }

  /** Blocks that the file may not have, and that nothing was promised for yet. */
  private int blocksToPromise(long offset, int length) throws IOException {
    long from = offset / BLOCK;
    long to = (offset + length - 1) / BLOCK + 1;
    requireSeen();
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

  /** A change of another mount that was heard of is known here too. */
  private void requireSeen() {
    Attributes last = store.meta().lastSeen(inode);
    if (last != null) {
      committed.requireVersion(last.dataVersion());
    }
  }

  private void put(long at, ByteBuffer src, int length, Deque<Page> spare, int blocks) {
    boolean full;
    synchronized (this) {
      if (writtenEnd == 0) {
        firstWriteNanos = store.nanoTime().getAsLong();
      }
      gathered.put(at, src, length, spare);
      stamp++;
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

  /** On a background thread; {@link #sendingInBackground} is set. */
  private void sendGathered() {
    do {
      try {
        writeOut(false);
      } catch (IOException e) {
        log.error("inode {}: {}", inode, e.getMessage());
      }
    } while (sendsAgain());
  }

  private synchronized boolean sendsAgain() {
    sendingInBackground = (sendAgain || gathered.count() >= SEND_PAGES) && !gathered.isEmpty();
    sendAgain = false;
    return sendingInBackground;
  }

  @Override
  public long send() {
    long bytes;
    synchronized (this) {
      bytes = (long) gathered.count() * DirtyPages.PAGE_BYTES;
      store.buffer().sent(this);
      if (bytes == 0) {
        return 0;
      }
      if (sendingInBackground) {
        sendAgain = true;
        return bytes;
      }
      sendingInBackground = true;
    }
    store.background().execute(this::sendGathered);
    return bytes;
  }

  /**
   * Brings what is gathered to its blocks.
   *
   * @param all also a short end of it that goes to the device at a better time
   */
  private void writeOut(boolean all) throws IOException {
    order.lock();
    try {
      requireSeen();
      SpacePool from = pool();
      BlockMap.Version before = committed.version();
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
        gathered = all ? new DirtyPages() : pages.takeShortTail(WriteOut.PAGES_PER_WRITE);
        if (!gathered.isEmpty()) {
          store.buffer().written(this);
        }
        promised = 0;
        sending = pages;
      }
      Collection<Page> memory = pages.memory();
      store.buffer().sending(memory.size());
      WriteOut out = commit.writeOut(pages, from, pending);
      boolean written = false;
      try {
        out.run(expected);
        written = true;
      } finally {
        commit.wrote(out, before);
        synchronized (this) {
          sending = null;
          promised += out.promised(); // for what was held back
          if (gathered.isEmpty()) {
            unpromise(promised);
            promised = 0;
          }
          if (written) {
            out.added().forEach(pending::put);
            pendingOwner = commit.session();
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

  /** Everything that is not committed is lost; every handle hears of it once. Holds both locks. */
  @GuardedBy("this")
  private void fail() {
    failures++;
    stamp++;
    writtenEnd = 0;
    sentEnd = 0;
    pending.clear();
    pendingOwner = null;
    commit.abandon();
    unpromise(promised);
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
      writeOut(true);
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
    boolean done = false;
    try {
      Attributes after = commit.run(written, pending, pool());
      done = true;
      synchronized (this) {
        committed.committed(after, written.runs());
        stamp++;
        pending.clear();
        pendingOwner = null;
        sentEnd = 0;
        firstWriteNanos = store.nanoTime().getAsLong();
        writtenEnd = gathered.isEmpty() ? 0 : writtenEnd;
        store.listener().changedHere(inode, after.dataVersion());
      }
    } finally {
      if (!done) {
        synchronized (this) {
          fail();
        }
      }
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
      if (set.hasLength()) {
        zeroBehindEnd(set.getLength());
      }
      Attributes after = action.get();
      if (set.hasLength()) {
        changed();
      }
      return after;
    } finally {
      order.unlock();
    }
  }

  @Override
  public Optional<Attributes> punchHole(long offset, long length) throws IOException {
    order.lock();
    try {
      flush();
      committed.forget();
      long fileLength = committed.version().length();
      long end = Math.min(offset + length, fileLength);
      if (offset >= end) {
        return Optional.empty();
      }
      long first = (offset + BLOCK - 1) / BLOCK;
      long behind = end == fileLength ? (end + BLOCK - 1) / BLOCK : end / BLOCK;
      zeroEdge(offset, Math.min(end, first * BLOCK));
      zeroEdge(Math.max(offset, behind * BLOCK), end);
      flush();
      if (first >= behind) {
        return Optional.of(store.meta().attributes(inode));
      }
      Attributes after = store.meta().punchHole(inode, first, behind - first);
      changed();
      return Optional.of(after);
    } finally {
      order.unlock();
    }
  }

  /** A part of a block that a hole begins or ends in. */
  @GuardedBy("order")
  private void zeroEdge(long from, long to) throws IOException {
    if (from < to && !committed.locate(from / BLOCK, from / BLOCK + 1).runs().get(0).isHole()) {
      write(from, ByteBuffer.allocate((int) (to - from)));
    }
  }

  /** Before a file gets a longer length: what lies behind its end is old. */
  @GuardedBy("order")
  private void zeroBehindEnd(long newLength) throws IOException {
    committed.forget();
    long length = committed.version().length();
    if (newLength > length) {
      commit.writeOut(new DirtyPages(), pool(), pending).zeroTail(length);
      commit.flushDevices();
    }
  }

  @Override
  public void changed() {
    synchronized (this) {
      stamp++;
    }
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

  /** The last handle is gone: what is not committed is lost. Does not wait for transfers. */
  void close() {
    store.readAhead().drop(reader);
    if (!isDirty()) {
      return;
    }
    log.error("inode {}: what was written last could not be committed and is lost", inode);
    if (order.tryLock()) {
      loseAndUnlock();
    } else {
      store
          .background()
          .execute(
              () -> {
                order.lock();
                loseAndUnlock();
              });
    }
  }

  private void loseAndUnlock() {
    try {
      synchronized (this) {
        if (writtenEnd != 0) {
          fail();
        }
      }
    } finally {
      order.unlock();
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
              }
              if (sendsAgain()) {
                sendGathered();
              }
            });
  }

  /** All that is written and not committed. */
  synchronized List<Run> uncommitted() {
    return pending.all();
  }
}

package io.curvefs.client.volume;

import io.curvefs.client.content.DirtyRanges;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Brings written pages of one file to their blocks. Blocks that the file has are overwritten where
 * they are; for the others reserved ones are taken. A block is always written whole: what of it was
 * not written is read first, and what lies behind the end of the file becomes zeros, so that
 * neither another file's bytes nor older ones of this file can ever be seen. Before each write it
 * is made sure that the block is still ours: of a reserved one by the session, of a committed one
 * by how old the answer is that says so. One thread, for one use.
 */
final class WriteOut {
  private static final int BLOCK = VolumeLayout.BLOCK_BYTES;
  private static final int PAGE_BLOCKS = DirtyPages.PAGE_BYTES / BLOCK;
  static final int PAGES_PER_WRITE = Staging.BYTES_MAX / DirtyPages.PAGE_BYTES;

  private final VolumeStore store;
  private final InodeId inode;
  private final BlockMap committed;
  private final SpacePool pool;

  /** Blocks of earlier write-outs that are not committed. Guarded by its owner's order. */
  private final Runs pending;

  /** Whose these are; null: there are none. */
  private final @Nullable SessionId owner;

  private final DirtyPages pages;
  private final VolumeDevices.Unflushed unflushed;
  private final InFlight writes;

  /** Blocks that the file did not have, and has now. */
  private final List<Run> added = new ArrayList<>();

  /** Committed blocks that were written to. */
  private final List<Run> overwritten = new ArrayList<>();

  /** Blocks that were taken, in the order of {@link #added}; some may not be written yet. */
  private final List<SpacePool.Taken> taken = new ArrayList<>();

  private long lastAddress;

  /** Blocks that are promised and not taken yet. */
  private int promised;

  /**
   * @param pool where new blocks come from
   * @param owner session that has reserved what is pending; null: nothing is
   * @param unflushed notes what is written
   */
  WriteOut(
      VolumeStore store,
      InodeId inode,
      BlockMap committed,
      SpacePool pool,
      Runs pending,
      @Nullable SessionId owner,
      DirtyPages pages,
      VolumeDevices.Unflushed unflushed) {
    this.store = store;
    this.inode = inode;
    this.committed = committed;
    this.pool = pool;
    this.pending = pending;
    this.owner = owner;
    this.pages = pages;
    this.unflushed = unflushed;
    this.writes = new InFlight(store.transfers());
  }

  List<Run> added() {
    return added;
  }

  List<Run> overwritten() {
    return overwritten;
  }

  List<SpacePool.Taken> taken() {
    return taken;
  }

  /**
   * A run of the file and what is known of it.
   *
   * @param valid bytes of the file, when its blocks hold nothing behind its end
   */
  private record Place(Run run, Ownership ownership, long valid) {}

  /**
   * Until when a block may be written to.
   *
   * @param session that has reserved it; null: it is committed
   * @param asked of a committed block, when it was asked whose it is
   */
  private record Ownership(@Nullable SessionId session, long asked) {
    void check(VolumeStore store) throws RefusedException {
      if (session != null ? !store.meta().isCurrent(session) : !store.freshness().mayWrite(asked)) {
        throw new RefusedException(
            Refusal.EIO,
            session != null
                ? "the session with the metaservers was lost: reserved blocks are not ours any more"
                : "it took too long to find out where the blocks are");
      }
    }
  }

  /**
   * Writes everything. No write is under way any more when this ends, however it does.
   *
   * @param blocksPromised for these pages and others
   */
  void run(int blocksPromised) throws IOException {
    promised = blocksPromised;
    boolean begun = false;
    try {
      for (List<Long> neighbours : pages.neighbours(PAGES_PER_WRITE)) {
        writePages(neighbours.get(0), neighbours.size());
      }
      begun = true;
    } finally {
      awaitWrites(begun);
    }
  }

  /** Promised blocks that were not taken. */
  int promised() {
    return promised;
  }

  /** A failure to begin, which is on its way, is the one that counts. */
  private void awaitWrites(boolean allBegun) throws IOException {
    try {
      writes.await();
    } catch (IOException e) {
      if (allBegun) {
        throw e;
      }
    }
  }

  /** Zeros from a place, which is the file's end, to the end of its block, if there is one. */
  void zeroTail(long length) throws IOException {
    int within = (int) (length % BLOCK);
    long block = length / BLOCK;
    if (within == 0) {
      return;
    }
    Place place = locate(block, block + 1).get(0);
    if (!place.run.isHole() && place.ownership.session == null) {
      ByteBuffer content = Staging.of(BLOCK);
      Staging.transfer(content, bytes -> store.devices().read(place.run.range(), bytes));
      zero(content, within, BLOCK);
      overwritten.add(place.run);
      unflushed.add(store.devices(), place.run.range());
      place.ownership.check(store);
      Staging.transfer(content, bytes -> store.devices().write(place.run.range(), bytes));
    }
  }

  private void writePages(long firstPage, int count) throws IOException {
    long from = firstPage * PAGE_BLOCKS;
    long to = from + (long) count * PAGE_BLOCKS;
    long begin = -1;
    for (long block = from; block <= to; block++) {
      boolean dirty = block < to && isWritten(block);
      if (dirty && begin < 0) {
        begin = block;
      } else if (!dirty && begin >= 0) {
        writeBlocks(begin, block);
        begin = -1;
      }
    }
  }

  private DirtyPages.DirtyPage pageOf(long block) {
    DirtyPages.DirtyPage page = pages.byNumber().get(block / PAGE_BLOCKS);
    if (page == null) {
      throw new IllegalStateException("block " + block + " has no page");
    }
    return page;
  }

  private static int withinPage(long block) {
    return (int) (block % PAGE_BLOCKS) * BLOCK;
  }

  private boolean isWritten(long block) {
    int begin = withinPage(block);
    DirtyPages.DirtyPage page = pageOf(block);
    return page.isWhole() || !page.written.within(begin, begin + BLOCK).isEmpty();
  }

  /** Neighbouring blocks of which each has something written. */
  private void writeBlocks(long from, long to) throws IOException {
    for (Place place : locate(from, to)) {
      Run run = place.run;
      if (run.isHole()) {
        writeNew(run);
      } else {
        if (place.ownership.session == null) {
          overwritten.add(run);
        }
        write(place);
        lastAddress = run.address() + run.count() - 1;
      }
    }
  }

  /** Where blocks are, those that are written and not committed included. */
  private List<Place> locate(long from, long to) throws IOException {
    BlockMap.Located below = committed.locate(from, to);
    Ownership committedOnes = new Ownership(null, below.asked());
    List<Place> places = new ArrayList<>();
    for (Run over : pending.within(from, to)) {
      if (!over.isHole()) {
        if (owner == null) {
          throw new IllegalStateException("pending blocks are nobody's");
        }
        places.add(new Place(over, new Ownership(owner, 0), Long.MAX_VALUE));
        continue;
      }
      for (Run run : below.runs()) {
        long begin = Math.max(run.fileBlock(), over.fileBlock());
        long end = Math.min(run.end(), over.end());
        if (begin < end) {
          places.add(new Place(run.part(begin, end), committedOnes, below.of().length()));
        }
      }
    }
    return places;
  }

  /** Puts into the page what of a block was not written. */
  private void complete(long block, Run where, long fileValid) throws IOException {
    DirtyPages.DirtyPage page = pageOf(block);
    if (page.isWhole()) {
      return;
    }
    int begin = withinPage(block);
    List<DirtyRanges.Range> written = page.written.within(begin, begin + BLOCK);
    if (written.size() == 1 && written.get(0).length() == BLOCK) {
      return;
    }
    ByteBuffer before = Staging.of(BLOCK);
    int valid = where.isHole() ? 0 : (int) Math.max(0, Math.min(BLOCK, fileValid - block * BLOCK));
    if (valid > 0) {
      BlockRange range = where.part(block, block + 1).range();
      Staging.transfer(before, bytes -> store.devices().read(range, bytes));
    }
    zero(before, valid, BLOCK);
    int at = begin;
    for (DirtyRanges.Range range : written) {
      page.bytes.put(at, before, at - begin, range.from() - at);
      at = range.to();
    }
    page.bytes.put(at, before, at - begin, begin + BLOCK - at);
  }

  private static void zero(ByteBuffer bytes, int from, int to) {
    for (int i = from; i < to; i++) {
      bytes.put(i, (byte) 0);
    }
  }

  private void writeNew(Run hole) throws IOException {
    if (hole.count() > promised) {
      // Somebody has freed blocks of this file that were there when they were to be overwritten.
      pool.promise(inode, hole.count() - promised, lastAddress);
      promised = hole.count();
    }
    promised -= hole.count();
    SpacePool.Taken blocks = pool.take(hole.count(), lastAddress);
    taken.add(blocks);
    for (long block = hole.fileBlock(); block < hole.end(); block++) {
      complete(block, hole, 0);
    }
    Ownership reserved = new Ownership(blocks.session(), 0);
    long fileBlock = hole.fileBlock();
    for (BlockRange range : blocks.ranges()) {
      Run run = new Run(fileBlock, range.count(), range.address());
      begin(run, reserved);
      added.add(run);
      fileBlock = run.end();
      lastAddress = range.address() + range.count() - 1;
    }
  }

  private void write(Place place) throws IOException {
    Run run = place.run;
    for (long block = run.fileBlock(); block < run.end(); block++) {
      complete(block, run, place.valid);
    }
    begin(run, place.ownership);
  }

  /** Writes the bytes of blocks, which are whole in their pages by now, on another thread. */
  private void begin(Run run, Ownership ownership) throws IOException {
    unflushed.add(store.devices(), run.range());
    writes.begin(
        () -> {
          ByteBuffer content = content(run);
          ownership.check(store);
          Staging.transfer(content, bytes -> store.devices().write(run.range(), bytes));
        });
  }

  /** The bytes of blocks of the file, in one buffer. */
  private ByteBuffer content(Run run) {
    ByteBuffer all = Staging.of(run.count() * BLOCK);
    for (long block = run.fileBlock(); block < run.end(); ) {
      int from = withinPage(block);
      int count = Math.min(PAGE_BLOCKS - from / BLOCK, (int) (run.end() - block));
      ByteBuffer piece = pageOf(block).bytes.duplicate();
      all.put(piece.position(from).limit(from + count * BLOCK));
      block += count;
    }
    return all.flip();
  }
}

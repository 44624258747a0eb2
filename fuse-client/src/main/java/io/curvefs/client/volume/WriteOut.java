package io.curvefs.client.volume;

import io.curvefs.cache.page.PagePool;
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
 * neither another file's bytes nor older ones of this file can ever be seen. One thread, for one
 * use.
 */
final class WriteOut {
  private static final int BLOCK = VolumeLayout.BLOCK_BYTES;
  private static final int PAGE_BLOCKS = DirtyPages.PAGE_BYTES / BLOCK;

  /** Longest write to a device: 1 MiB. */
  private static final int PAGES_PER_WRITE = 16;

  private static final ThreadLocal<ByteBuffer> STAGING =
      ThreadLocal.withInitial(
          () ->
              ByteBuffer.allocateDirect(PAGES_PER_WRITE * PagePool.PAGE_BYTES + BLOCK)
                  .alignedSlice(BLOCK));

  private final VolumeStore store;
  private final InodeId inode;
  private final BlockMap committed;
  private final SpacePool pool;

  /** Blocks of earlier write-outs that are not committed. Guarded by its owner's order. */
  private final Runs pending;

  private final DirtyPages pages;

  /** Bytes behind it are void on the device. */
  private final long committedLength;

  private final VolumeDevices.Unflushed unflushed;

  /** Blocks that the file did not have, and has now. */
  private final List<Run> added = new ArrayList<>();

  /** Blocks that were taken, in the order of {@link #added}; some may not be written yet. */
  private final List<SpacePool.Taken> taken = new ArrayList<>();

  private long lastAddress;

  /** Blocks that are promised and not taken yet. */
  private int promised;

  /**
   * @param committedLength of the file, as the metaserver has it
   * @param unflushed notes what is written
   */
  WriteOut(
      VolumeStore store,
      InodeId inode,
      BlockMap committed,
      Runs pending,
      DirtyPages pages,
      long committedLength,
      VolumeDevices.Unflushed unflushed) {
    this.store = store;
    this.inode = inode;
    this.committed = committed;
    this.pool = store.pools().apply(inode);
    this.pending = pending;
    this.pages = pages;
    this.committedLength = committedLength;
    this.unflushed = unflushed;
  }

  List<Run> added() {
    return added;
  }

  List<SpacePool.Taken> taken() {
    return taken;
  }

  /**
   * Writes everything.
   *
   * @param blocksPromised for these pages; all are taken or given up
   */
  void run(int blocksPromised) throws IOException {
    promised = blocksPromised;
    try {
      for (List<Long> neighbours : pages.neighbours(PAGES_PER_WRITE)) {
        writePages(neighbours.get(0), neighbours.size());
      }
    } finally {
      pool.unpromise(promised);
    }
  }

  /** Zeros from the file's end to that of its last block, which the file is about to grow over. */
  void zeroTail() throws IOException {
    int within = (int) (committedLength % BLOCK);
    long block = committedLength / BLOCK;
    if (within == 0) {
      return;
    }
    BlockMap.Located located = locate(block, block + 1);
    Run run = located.runs().get(0);
    if (!run.isHole() && !isPending(run)) {
      ByteBuffer content = STAGING.get().clear().limit(BLOCK);
      store.devices().read(run.range(), content);
      zero(content, within, BLOCK);
      write(run, content.position(0).limit(BLOCK), located.asked(), null);
    }
  }

  private boolean isPending(Run run) {
    return !pending.within(run.fileBlock(), run.fileBlock() + 1).get(0).isHole();
  }

  private void writePages(long firstPage, int count) throws IOException {
    long from = firstPage * PAGE_BLOCKS;
    long to = from + (long) count * PAGE_BLOCKS;
    long begin = -1;
    for (long block = from; block <= to; block++) {
      boolean dirty = block < to && writtenOf(block) > 0;
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

  private int writtenOf(long block) {
    int begin = withinPage(block);
    return pageOf(block).written.within(begin, begin + BLOCK).stream()
        .mapToInt(DirtyRanges.Range::length)
        .sum();
  }

  /** Neighbouring blocks of which each has something written. */
  private void writeBlocks(long from, long to) throws IOException {
    BlockMap.Located located = locate(from, to);
    for (Run run : located.runs()) {
      for (long block = run.fileBlock(); block < run.end(); block++) {
        complete(block, run.isHole() ? run : run.part(block, block + 1));
      }
      if (run.isHole()) {
        writeNew(run);
      } else {
        write(run, content(run), located.asked(), null);
        lastAddress = run.address() + run.count() - 1;
      }
    }
  }

  /** Where blocks are, those that are written and not committed included. */
  private BlockMap.Located locate(long from, long to) throws RefusedException {
    BlockMap.Located below = committed.locate(from, to);
    List<Run> runs = new ArrayList<>();
    for (Run over : pending.within(from, to)) {
      if (!over.isHole()) {
        runs.add(over);
        continue;
      }
      for (Run run : below.runs()) {
        long begin = Math.max(run.fileBlock(), over.fileBlock());
        long end = Math.min(run.end(), over.end());
        if (begin < end) {
          runs.add(run.part(begin, end));
        }
      }
    }
    return new BlockMap.Located(runs, below.asked());
  }

  /** Puts into the page what of a block was not written. */
  private void complete(long block, Run where) throws IOException {
    DirtyPages.DirtyPage page = pageOf(block);
    int begin = withinPage(block);
    List<DirtyRanges.Range> written = page.written.within(begin, begin + BLOCK);
    if (written.size() == 1 && written.get(0).length() == BLOCK) {
      return;
    }
    ByteBuffer before = STAGING.get().clear().limit(BLOCK);
    int valid = 0;
    if (!where.isHole()) {
      store.devices().read(where.range(), before);
      valid =
          isPending(where)
              ? BLOCK
              : (int) Math.max(0, Math.min(BLOCK, committedLength - block * BLOCK));
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
    long fileBlock = hole.fileBlock();
    for (BlockRange range : blocks.ranges()) {
      Run run = new Run(fileBlock, range.count(), range.address());
      write(run, content(run), 0, blocks.session());
      added.add(run);
      fileBlock = run.end();
      lastAddress = range.address() + range.count() - 1;
    }
  }

  /** The bytes of blocks of the file, in one buffer. */
  private ByteBuffer content(Run run) {
    int begin = withinPage(run.fileBlock());
    int bytes = run.count() * BLOCK;
    if (begin + bytes <= DirtyPages.PAGE_BYTES) {
      return pageOf(run.fileBlock()).bytes.duplicate().position(begin).limit(begin + bytes);
    }
    ByteBuffer all = STAGING.get().clear();
    for (long block = run.fileBlock(); block < run.end(); ) {
      int from = withinPage(block);
      int count = Math.min(PAGE_BLOCKS - from / BLOCK, (int) (run.end() - block));
      ByteBuffer piece = pageOf(block).bytes.duplicate();
      all.put(piece.position(from).limit(from + count * BLOCK));
      block += count;
    }
    return all.flip();
  }

  /**
   * @param asked of committed blocks, when it was asked whose they are
   * @param owner of reserved blocks, the session that has reserved them; null: they are committed
   */
  private void write(Run run, ByteBuffer content, long asked, @Nullable SessionId owner)
      throws IOException {
    boolean ours =
        owner != null ? store.meta().isCurrent(owner) : store.freshness().mayWrite(asked);
    if (!ours) {
      throw new RefusedException(
          Refusal.EIO,
          owner != null
              ? "the session with the metaservers was lost: reserved blocks are not ours any more"
              : "it took too long to find out where the blocks are");
    }
    store.devices().write(run.range(), content, unflushed);
  }
}

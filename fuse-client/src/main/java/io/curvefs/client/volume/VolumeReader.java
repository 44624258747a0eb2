package io.curvefs.client.volume;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.space.VolumeLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Reads one file: from its blocks, under what is written and not committed. Thread-safe. */
final class VolumeReader {
  private static final int BLOCK = VolumeLayout.BLOCK_BYTES;

  /** Answers that are too old by the time their blocks are read, one after the other. */
  private static final int TRIES_MAX = 4;

  private static final ThreadLocal<ByteBuffer> ONE_BLOCK =
      ThreadLocal.withInitial(
          () -> ByteBuffer.allocateDirect(2 * BLOCK).alignedSlice(BLOCK).limit(BLOCK).slice());

  private final VolumeStore store;
  private final BlockMap committed;

  VolumeReader(VolumeStore store, BlockMap committed) {
    this.store = store;
    this.committed = committed;
  }

  /** What hides the committed bytes, as of one moment. */
  static final class Overlay {
    /** Blocks that are written and not committed, with holes between them. */
    final List<Run> blocks = new ArrayList<>();

    /** Bytes that are not on a device yet, older ones first. */
    final List<DirtyPages.Copied> bytes = new ArrayList<>();
  }

  /**
   * Reads.
   *
   * @param dst gets {@code length} bytes at its position, which moves behind them
   * @param valid length of what is committed: behind it, committed blocks hold nothing
   */
  void read(long offset, ByteBuffer dst, int length, long valid, Overlay over) throws IOException {
    long from = offset / BLOCK;
    long to = (offset + length - 1) / BLOCK + 1;
    for (int tries = 0; ; tries++) {
      BlockMap.Located located = committed.locate(from, to);
      for (Run run : located.runs()) {
        readRun(run, offset, dst, length, valid);
      }
      if (store.freshness().mayTrust(located.asked())) {
        break;
      }
      if (tries == TRIES_MAX) {
        throw new RefusedException(Refusal.EIO, "the volume is too slow to be trusted");
      }
    }
    for (Run run : over.blocks) {
      if (!run.isHole()) {
        readRun(run, offset, dst, length, Long.MAX_VALUE);
      }
    }
    for (DirtyPages.Copied copied : over.bytes) {
      dst.put(dst.position() + (int) (copied.offset() - offset), copied.bytes());
    }
    dst.position(dst.position() + length);
  }

  /** The part of a run that is asked for. */
  private void readRun(Run run, long offset, ByteBuffer dst, int length, long valid)
      throws IOException {
    long from = Math.max(offset, run.fileBlock() * BLOCK);
    long to = Math.min(offset + length, run.end() * BLOCK);
    long filled = run.isHole() ? from : Math.max(from, Math.min(to, valid));
    for (long at = from; at < filled; ) {
      at += readSome(run, at, filled, dst, dst.position() + (int) (at - offset));
    }
    zero(dst, dst.position() + (int) (filled - offset), dst.position() + (int) (to - offset));
  }

  /** Whole blocks go straight to where they belong. */
  private int readSome(Run run, long at, long to, ByteBuffer dst, int dstFrom) throws IOException {
    long block = at / BLOCK;
    int within = (int) (at % BLOCK);
    int whole = within == 0 && dst.isDirect() ? (int) ((to - at) / BLOCK) : 0;
    if (whole > 0) {
      int bytes = whole * BLOCK;
      store
          .devices()
          .read(
              run.part(block, block + whole).range(),
              dst.duplicate().limit(dstFrom + bytes).position(dstFrom));
      return bytes;
    }
    ByteBuffer one = ONE_BLOCK.get().clear();
    store.devices().read(run.part(block, block + 1).range(), one);
    int bytes = (int) Math.min(BLOCK - within, to - at);
    dst.put(dstFrom, one, within, bytes);
    return bytes;
  }

  private static void zero(ByteBuffer dst, int from, int to) {
    for (int i = from; i < to; i++) {
      dst.put(i, (byte) 0);
    }
  }
}

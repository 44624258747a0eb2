package io.curvefs.client.volume;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.SessionId;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads one file: from its blocks, under what is written and not committed. Thread-safe. */
final class VolumeReader {
  private static final int BLOCK = VolumeLayout.BLOCK_BYTES;

  /** Answers that are too old by the time their blocks are read, one after the other. */
  private static final int TRIES_MAX = 4;

  private final VolumeMeta meta;
  private final VolumeDevices devices;
  private final Freshness freshness;
  private final BlockMap committed;

  VolumeReader(VolumeMeta meta, VolumeDevices devices, Freshness freshness, BlockMap committed) {
    this.meta = meta;
    this.devices = devices;
    this.freshness = freshness;
    this.committed = committed;
  }

  /** What hides the committed bytes, as of one moment. */
  static final class Overlay {
    /** Blocks that are written and not committed, with holes between them. */
    final List<Run> blocks = new ArrayList<>();

    /** Whose these are; null: there are none. */
    @Nullable SessionId owner;

    /** Bytes that are not on a device yet, older ones first. */
    final List<DirtyPages.Copied> bytes = new ArrayList<>();
  }

  /** Takes bytes to a place, counted from where the reading began. */
  interface Target {
    void put(int at, ByteBuffer bytes);

    void zeros(int at, int count);
  }

  /** Bytes of a buffer, counted from its position, which does not move. */
  record BufferTarget(ByteBuffer dst) implements Target {
    @Override
    public void put(int at, ByteBuffer bytes) {
      dst.put(dst.position() + at, bytes, bytes.position(), bytes.remaining());
    }

    @Override
    public void zeros(int at, int count) {
      for (int i = dst.position() + at; i < dst.position() + at + count; i++) {
        dst.put(i, (byte) 0);
      }
    }
  }

  /**
   * Reads.
   *
   * @param dst gets {@code length} bytes at its position, which moves behind them
   */
  void read(long offset, ByteBuffer dst, int length, Overlay over) throws IOException {
    Target target = new BufferTarget(dst);
    readCommitted(offset, length, target);
    boolean pending = false;
    for (Run run : over.blocks) {
      if (!run.isHole()) {
        readRun(run, offset, length, Long.MAX_VALUE, target);
        pending = true;
      }
    }
    if (pending && (over.owner == null || !meta.isCurrent(over.owner))) {
      throw new RefusedException(
          Refusal.EIO, "the session with the metaservers was lost, and reserved blocks with it");
    }
    for (DirtyPages.Copied copied : over.bytes) {
      dst.put(dst.position() + (int) (copied.offset() - offset), copied.bytes());
    }
    dst.position(dst.position() + length);
  }

  /**
   * Reads what is committed, all of one version; zeros behind the file's end.
   *
   * @return that version
   */
  BlockMap.Version readCommitted(long offset, int length, Target target) throws IOException {
    long from = offset / BLOCK;
    long to = (offset + length - 1) / BLOCK + 1;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
      BlockMap.Located located = committed.locate(from, to);
      for (Run run : located.runs()) {
        readRun(run, offset, length, located.of().length(), target);
      }
      if (freshness.mayTrust(located.asked())) {
        return located.of();
      }
    }
    throw new RefusedException(Refusal.EIO, "the volume is too slow to be trusted");
  }

  /**
   * The part of a run that is asked for.
   *
   * @param valid length of the file: behind it, its blocks hold nothing
   */
  private void readRun(Run run, long offset, int length, long valid, Target target)
      throws IOException {
    long from = Math.max(offset, run.fileBlock() * BLOCK);
    long to = Math.min(offset + length, run.end() * BLOCK);
    long filled = run.isHole() ? from : Math.max(from, Math.min(to, valid));
    for (long at = from; at < filled; ) {
      at = readSome(run, at, filled, offset, target);
    }
    target.zeros((int) (filled - offset), (int) (to - filled));
  }

  /**
   * One transfer.
   *
   * @return where what it brought ends
   */
  private long readSome(Run run, long at, long to, long offset, Target target) throws IOException {
    long block = at / BLOCK;
    long end = Math.min((to - 1) / BLOCK + 1, block + Staging.BYTES_MAX / BLOCK);
    BlockRange range = run.part(block, end).range();
    ByteBuffer bytes = Staging.of((int) (end - block) * BLOCK);
    Staging.transfer(bytes, into -> devices.read(range, into));
    int first = (int) (at % BLOCK);
    long reached = Math.min(to, end * BLOCK);
    target.put((int) (at - offset), bytes.position(first).limit(first + (int) (reached - at)));
    return reached;
  }
}

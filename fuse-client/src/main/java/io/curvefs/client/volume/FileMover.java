package io.curvefs.client.volume;

import io.curvefs.client.meta.Attributes;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.ChunkBlocks;
import io.curvefs.proto.CommitBlocks;
import io.curvefs.space.BlockRange;
import io.curvefs.space.VolumeLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * Moves chunks of one file: reserves blocks, copies, flushes, commits on the version that was
 * copied. A crash leaves reserved blocks, which come back with the session's end, or the move done.
 *
 * <p>Who writes to the old blocks meanwhile commits on the version that he wrote over, so one of
 * both is refused with CHANGED. What lies behind the file's end is written as zeros and never
 * copied: another mount may be zeroing it in place, which makes no new version. For one thread.
 */
public final class FileMover {
  private static final int BLOCK = VolumeLayout.BLOCK_BYTES;
  private static final int PIECE_BLOCKS = Staging.BYTES_MAX / BLOCK;

  /** Changes of others that overtake the move of a chunk, one after the other. */
  private static final int TRIES_MAX = 3;

  private final Mover mover;
  private final InodeId inode;
  private final BlockMap committed;
  private final VolumeReader reader;

  /** What became of a chunk. */
  public enum Moved {
    DONE,
    /** There was nothing to be done. */
    WHOLE,
    /** Somebody may have the file open. */
    OPEN,
    /** Others changed the file again and again. */
    CHANGED,
    /** Free space lies in no fewer pieces. */
    NO_ROOM,
    /** The same, and more space comes out of quarantine soon. */
    ROOM_RESTS,
    /** The file was removed. */
    GONE
  }

  FileMover(Mover mover, InodeId inode) {
    this.mover = mover;
    this.inode = inode;
    this.committed = new BlockMap(mover.meta, inode, mover.freshness, mover.nanoTime);
    this.reader = new VolumeReader(mover.meta, mover.devices, mover.freshness, committed);
  }

  /**
   * Moves a chunk that lies in several pieces, best behind the one before it.
   *
   * @param copied is told of bytes as they are copied, those of attempts in vain included
   * @throws IOException when it was not moved: a device failed, or the session is lost
   */
  public Moved move(int chunk, LongConsumer copied) throws IOException, InterruptedException {
    mover.giveBackRested();
    for (int tries = 1; ; tries++) {
      try {
        return moveOnce(chunk, copied);
      } catch (RefusedException e) {
        Moved refused = refused(e);
        if (refused != Moved.CHANGED || tries == TRIES_MAX) {
          return refused;
        }
        committed.forget();
      }
    }
  }

  private static Moved refused(RefusedException refusal) throws RefusedException {
    return switch (refusal.refusal()) {
      case EBUSY -> Moved.OPEN;
      case CHANGED -> Moved.CHANGED;
      case ENOSPC -> Moved.NO_ROOM;
      case SPACE_RESTS -> Moved.ROOM_RESTS;
      case ENOENT, ESTALE -> Moved.GONE;
      default -> throw refusal;
    };
  }

  private Moved moveOnce(int chunk, LongConsumer copied) throws IOException, InterruptedException {
    long begin = (long) chunk * BlockMap.CHUNK_BLOCKS;
    long end = begin + BlockMap.CHUNK_BLOCKS;
    BlockMap.Located located = committed.locate(Math.max(0, begin - 1), end);
    Runs runs = new Runs();
    located.runs().stream().filter(run -> !run.isHole()).forEach(runs::put);
    List<Run> now = runs.within(begin, end).stream().filter(run -> !run.isHole()).toList();
    Pieces pieces = new Pieces();
    now.forEach(run -> pieces.add(run.address(), run.count()));
    if (pieces.count() <= 1) {
      return Moved.WHOLE;
    }
    long behind = chunk == 0 ? Run.HOLE : runs.within(begin - 1, begin).get(0).address();
    VolumeMeta.Granted granted = reserve((int) pieces.blocks(), (int) pieces.count(), behind);
    boolean done = false;
    try {
      List<Run> moved = laidOut(now, granted.ranges());
      copy(moved, located.of(), granted.session(), copied);
      CommitBlocks.Builder commit =
          CommitBlocks.newBuilder()
              .setInode(inode.value())
              .setBasedOn(located.of().dataVersion())
              .setMoved(true)
              .addChunks(extents(chunk, moved));
      Attributes after = mover.meta.commit(commit, granted.session());
      done = true;
      committed.committed(after, moved);
      return Moved.DONE;
    } finally {
      if (!done) {
        mover.abandon(inode, granted);
      }
    }
  }

  /** In one range; or in half as many as there are now, which is worth it too. */
  private VolumeMeta.Granted reserve(int blocks, int pieces, long behind) throws RefusedException {
    try {
      return mover.meta.reserveToMove(inode, blocks, 1, behind);
    } catch (RefusedException e) {
      boolean lack = e.refusal() == Refusal.ENOSPC || e.refusal() == Refusal.SPACE_RESTS;
      if (!lack || pieces / 2 < 2) {
        throw e;
      }
      return mover.meta.reserveToMove(inode, blocks, pieces / 2, behind);
    }
  }

  /** The same blocks of the file, on the ranges. */
  private static List<Run> laidOut(List<Run> runs, List<BlockRange> ranges)
      throws RefusedException {
    Runs out = new Runs();
    int range = 0;
    int used = 0;
    for (Run run : runs) {
      for (long at = run.fileBlock(); at < run.end(); ) {
        if (range == ranges.size()) {
          throw new RefusedException(Refusal.ENOSPC); // of a metaserver that knows no moves
        }
        BlockRange on = ranges.get(range);
        int count = (int) Math.min(run.end() - at, on.count() - used);
        out.put(new Run(at, count, on.address() + used));
        at += count;
        used += count;
        if (used == on.count()) {
          range++;
          used = 0;
        }
      }
    }
    return out.all();
  }

  /** No write is under way any more when this ends, but one that a device was too slow for. */
  private void copy(List<Run> target, BlockMap.Version of, SessionId session, LongConsumer copied)
      throws IOException, InterruptedException {
    VolumeDevices.Unflushed unflushed = new VolumeDevices.Unflushed();
    InFlight transfers = new InFlight(mover.transfers);
    try {
      for (Run run : target) {
        for (long at = run.fileBlock(); at < run.end(); at += PIECE_BLOCKS) {
          Run piece = run.part(at, Math.min(run.end(), at + PIECE_BLOCKS));
          unflushed.add(mover.devices, piece.range());
          transfers.begin(() -> copy(piece, of, session));
          mover.bandwidth.spent(piece.range().bytes());
          copied.accept(piece.range().bytes());
        }
      }
    } finally {
      transfers.await();
    }
    mover.devices.flush(unflushed);
  }

  private void copy(Run piece, BlockMap.Version of, SessionId session) throws IOException {
    ByteBuffer content = ByteBuffer.allocate(piece.count() * BLOCK);
    BlockMap.Version read =
        reader.readCommitted(
            piece.fileBlock() * BLOCK, content.capacity(), new VolumeReader.BufferTarget(content));
    if (!read.equals(of)) {
      throw new RefusedException(Refusal.CHANGED);
    }
    ByteBuffer written = Staging.of(content.capacity()).put(content).flip();
    if (!mover.meta.isCurrent(session)) {
      throw new RefusedException(
          Refusal.EIO,
          "the session with the metaservers was lost: reserved blocks are not ours any more");
    }
    Staging.transfer(written, bytes -> mover.devices.write(piece.range(), bytes));
  }

  private static ChunkBlocks.Builder extents(int chunk, List<Run> runs) {
    ChunkBlocks.Builder extents = ChunkBlocks.newBuilder().setIndex(chunk);
    for (Run run : runs) {
      extents.addBlocks(
          BlockExtent.newBuilder()
              .setChunkBlock((int) (run.fileBlock() % BlockMap.CHUNK_BLOCKS))
              .setCount(run.count())
              .setAddress(run.address()));
    }
    return extents;
  }
}

package io.curvefs.client.volume;

import io.curvefs.client.meta.Attributes;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.ChunkBlocks;
import io.curvefs.proto.CommitBlocks;
import io.curvefs.proto.Timestamp;
import io.curvefs.space.VolumeLayout;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What of one file was written to its blocks since its last commit, and how it is committed: it is
 * made sure that the blocks are still the file's, and the devices are flushed. Guarded by the
 * file's order.
 */
final class BlockCommit {
  /** Of one request: some 10 bytes each. */
  private static final int EXTENTS_PER_REQUEST = 50_000;

  private static final int BLOCK = VolumeLayout.BLOCK_BYTES;

  /** Changes of other mounts that overtake a commit, one after the other. */
  private static final int TRIES_MAX = 10;

  private final VolumeStore store;
  private final InodeId inode;
  private final BlockMap committed;
  private final Overwritten overwritten;
  private VolumeDevices.Unflushed unflushed = new VolumeDevices.Unflushed();
  private final List<SpacePool.Taken> taken = new ArrayList<>();

  /** Where these come from; null: there are none. */
  private @Nullable SpacePool takenFrom;

  /**
   * What to commit.
   *
   * @param runs blocks that the file did not have
   * @param end where the last written byte ends
   */
  record Written(List<Run> runs, long end, Timestamp mtime) {}

  BlockCommit(VolumeStore store, InodeId inode, BlockMap committed) {
    this.store = store;
    this.inode = inode;
    this.committed = committed;
    this.overwritten = new Overwritten(inode, committed);
  }

  /**
   * A write-out to be {@link #run} with this; {@link #wrote} follows.
   *
   * @param from where new blocks come from
   * @param pending blocks that are written and not committed
   */
  WriteOut writeOut(DirtyPages pages, SpacePool from, Runs pending) {
    takenFrom = from;
    return new WriteOut(store, inode, committed, from, pending, session(), pages, unflushed);
  }

  /**
   * Notes what a write-out has done, as far as it came.
   *
   * @param in the version of the file before it
   */
  void wrote(WriteOut out, BlockMap.Version in) {
    taken.addAll(out.taken());
    overwritten.add(out.overwritten(), in);
  }

  void flushDevices() throws IOException {
    VolumeDevices.Unflushed flushing = unflushed;
    unflushed = new VolumeDevices.Unflushed();
    store.devices().flush(flushing);
  }

  /** The session that has reserved what was taken; null: nothing was. */
  @Nullable SessionId session() {
    return taken.isEmpty() ? null : taken.get(0).session();
  }

  /**
   * Makes it durable and visible to others.
   *
   * @param from where the file's new blocks come from
   * @throws RefusedException EIO when another mount has freed blocks that were written to
   */
  Attributes run(Written written, Runs pending, SpacePool from) throws IOException {
    for (int tries = 1; ; tries++) {
      BlockMap.Version base = readyToGrow(written.end(), pending, from);
      try {
        Attributes after = runOn(base, written);
        taken.clear();
        overwritten.clear();
        return after;
      } catch (RefusedException e) {
        if (e.refusal() != Refusal.CHANGED || tries == TRIES_MAX) {
          throw e;
        }
        committed.forget();
      }
    }
  }

  /**
   * The version of the file that a commit can be made on: the blocks that were overwritten are
   * still the file's, and nothing old becomes visible when the file grows over its end.
   *
   * @param end where the last written byte ends
   */
  private BlockMap.Version readyToGrow(long end, Runs pending, SpacePool from) throws IOException {
    for (int tries = 0; tries < TRIES_MAX; tries++) {
      BlockMap.Version now = committed.version();
      if (!overwritten.isStillOurs(now)) {
        continue;
      }
      long tail = now.length() / BLOCK;
      boolean written = !pending.within(tail, tail + 1).get(0).isHole() || overwritten.covers(tail);
      if (end <= now.length() || now.length() % BLOCK == 0 || written) {
        return now;
      }
      // Behind an end that has moved since, another mount may have written.
      committed.forget();
      BlockMap.Version fresh = committed.version();
      WriteOut zeros = writeOut(new DirtyPages(), from, pending);
      zeros.zeroTail(fresh.length());
      wrote(zeros, fresh);
      if (committed.version().equals(fresh) && fresh.length() == now.length()) {
        return fresh;
      }
    }
    throw new RefusedException(Refusal.EIO, "inode " + inode + " changes all the time");
  }

  /**
   * Commits what was written over one version of the file.
   *
   * @throws RefusedException CHANGED when the file is another version by now; nothing was committed
   */
  private Attributes runOn(BlockMap.Version base, Written written) throws IOException {
    flushDevices();
    SessionId session = session();
    Attributes after = null;
    List<Run> runs = inChunks(written.runs());
    int from = 0;
    do {
      int to = Math.min(runs.size(), from + EXTENTS_PER_REQUEST);
      CommitBlocks.Builder commit =
          CommitBlocks.newBuilder()
              .setInode(inode.value())
              .setLength(to == runs.size() ? written.end() : 0)
              .setMtime(written.mtime());
      if (from == 0) {
        commit.setBasedOn(base.dataVersion());
      }
      byChunk(runs.subList(from, to)).values().forEach(commit::addChunks);
      after = store.meta().commit(commit, session);
      from = to;
    } while (from < runs.size());
    return after;
  }

  /** Runs that end with their chunk. */
  private static List<Run> inChunks(List<Run> runs) {
    List<Run> cut = new ArrayList<>();
    for (Run run : runs) {
      for (long at = run.fileBlock(); at < run.end(); ) {
        long end = Math.min(run.end(), (at / BlockMap.CHUNK_BLOCKS + 1) * BlockMap.CHUNK_BLOCKS);
        cut.add(run.part(at, end));
        at = end;
      }
    }
    return cut;
  }

  private static Map<Integer, ChunkBlocks.Builder> byChunk(List<Run> runs) {
    Map<Integer, ChunkBlocks.Builder> chunks = new TreeMap<>();
    for (Run run : runs) {
      int index = (int) (run.fileBlock() / BlockMap.CHUNK_BLOCKS);
      chunks
          .computeIfAbsent(index, i -> ChunkBlocks.newBuilder().setIndex(i))
          .addBlocks(
              BlockExtent.newBuilder()
                  .setChunkBlock((int) (run.fileBlock() % BlockMap.CHUNK_BLOCKS))
                  .setCount(run.count())
                  .setAddress(run.address()));
    }
    return chunks;
  }

  /** What was taken is not going to be committed. */
  void abandon() {
    SpacePool from = takenFrom;
    if (from != null) {
      Duration rest = store.freshness().transferMax().multipliedBy(2);
      taken.forEach(blocks -> from.abandon(blocks, rest));
    }
    taken.clear();
    overwritten.clear();
    unflushed = new VolumeDevices.Unflushed();
  }
}

package io.curvefs.client.volume;

import io.curvefs.client.meta.Attributes;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.ChunkBlocks;
import io.curvefs.proto.CommitBlocks;
import io.curvefs.proto.Timestamp;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What of one file was written since its last commit, and how it is committed: the devices are
 * flushed first. Guarded by the file's order.
 */
final class BlockCommit {
  /** Of one request: some 10 bytes each. */
  private static final int EXTENTS_PER_REQUEST = 50_000;

  private final VolumeStore store;
  private final InodeId inode;
  private VolumeDevices.Unflushed unflushed = new VolumeDevices.Unflushed();
  private final List<SpacePool.Taken> taken = new ArrayList<>();

  /**
   * What to commit.
   *
   * @param runs blocks that the file did not have
   * @param end where the last written byte ends
   */
  record Written(List<Run> runs, long end, Timestamp mtime) {}

  BlockCommit(VolumeStore store, InodeId inode) {
    this.store = store;
    this.inode = inode;
  }

  /** Notes what is written, to be flushed. */
  VolumeDevices.Unflushed unflushed() {
    return unflushed;
  }

  /** Reserved blocks that were taken for the file. */
  void taken(List<SpacePool.Taken> blocks) {
    taken.addAll(blocks);
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
   * @param basedOn the version of the file that it was written over
   * @throws RefusedException CHANGED when the file is another version by now; nothing was committed
   */
  Attributes run(Written written, long basedOn) throws IOException {
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
        commit.setBasedOn(basedOn);
      }
      byChunk(runs.subList(from, to)).values().forEach(commit::addChunks);
      after = store.meta().commit(commit, session);
      from = to;
    } while (from < runs.size());
    taken.clear();
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
    SpacePool pool = store.pools().apply(inode);
    Duration rest = store.freshness().transferMax().multipliedBy(2);
    taken.forEach(blocks -> pool.abandon(blocks, rest));
    taken.clear();
    unflushed = new VolumeDevices.Unflushed();
  }
}

package io.curvefs.client.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.client.meta.Attributes;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.FileChunks;
import io.curvefs.proto.IndexedChunk;
import io.curvefs.proto.ReadReply;
import io.curvefs.slice.Layout;
import io.curvefs.space.VolumeLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * The committed blocks of one file, as far as they are known, all of one data version, and since
 * when. Blocks that were freed since they were asked for rest in quarantine; so whoever uses an
 * answer must be done with it before that has passed. Thread-safe.
 */
final class BlockMap {
  private static final int CHUNKS_PER_REQUEST = 16;

  /** Answers that other changes overtake, one after the other. */
  private static final int ASKED_MAX = 20;

  /** Blocks of a chunk. */
  static final int CHUNK_BLOCKS = Layout.CHUNK_BYTES / VolumeLayout.BLOCK_BYTES;

  private final VolumeMeta meta;
  private final InodeId inode;
  private final Freshness freshness;
  private final LongSupplier nanoTime;

  @GuardedBy("this")
  private long dataVersion = -1;

  @GuardedBy("this")
  private final Runs runs = new Runs();

  /** When each known chunk was asked for, on the monotonic clock. */
  @GuardedBy("this")
  private final Map<Integer, Long> asked = new HashMap<>();

  BlockMap(VolumeMeta meta, InodeId inode, Freshness freshness, LongSupplier nanoTime) {
    this.meta = meta;
    this.inode = inode;
    this.freshness = freshness;
    this.nanoTime = nanoTime;
  }

  /**
   * Where blocks of the file are.
   *
   * @param asked the earliest time that one of the answers was asked for
   */
  record Located(List<Run> runs, long asked) {}

  /** The whole range, holes included; asks for what is not known, or not fresh enough. */
  Located locate(long from, long to) throws RefusedException {
    for (int tries = 0; tries < ASKED_MAX; tries++) {
      int missing;
      synchronized (this) {
        missing = firstMissing(from, to);
        if (missing < 0) {
          long oldest = Long.MAX_VALUE;
          for (int chunk = chunkOf(from); chunk <= chunkOf(to - 1); chunk++) {
            oldest = Math.min(oldest, askedAt(chunk));
          }
          return new Located(runs.within(from, to), oldest);
        }
      }
      ask(missing, Math.max(CHUNKS_PER_REQUEST, chunkOf(to - 1) - missing + 1));
    }
    throw new RefusedException(Refusal.EIO, "inode " + inode + " changes all the time");
  }

  private static int chunkOf(long block) {
    return (int) (block / CHUNK_BLOCKS);
  }

  @GuardedBy("this")
  private int firstMissing(long from, long to) {
    for (int chunk = chunkOf(from); chunk <= chunkOf(to - 1); chunk++) {
      Long at = asked.get(chunk);
      if (at == null || !freshness.isFresh(at)) {
        return chunk;
      }
    }
    return -1;
  }

  @GuardedBy("this")
  private long askedAt(int chunk) {
    Long at = asked.get(chunk);
    if (at == null) {
      throw new IllegalStateException("chunk " + chunk + " is not known");
    }
    return at;
  }

  private void ask(int first, int count) throws RefusedException {
    long at = nanoTime.getAsLong();
    ReadReply reply = meta.chunks(inode, first, count);
    if (reply.getInodesCount() == 0) {
      throw new RefusedException(Refusal.ESTALE);
    }
    synchronized (this) {
      take(reply.getInodes(0).getDataVersion(), reply.getChunksList(), first, first + count, at);
    }
  }

  /** The file was changed, by us or others: what is known of an older version is void. */
  synchronized void requireVersion(long version) {
    if (version > dataVersion) {
      forget();
    }
  }

  /**
   * What an open brought.
   *
   * @param at when it was asked for, or later
   */
  synchronized void opened(Attributes attributes, FileChunks chunks, long at) {
    take(attributes.dataVersion(), chunks.getChunksList(), 0, chunks.getChunksKnown(), at);
  }

  @GuardedBy("this")
  private void take(long version, List<IndexedChunk> chunks, int first, int behind, long at) {
    if (version < dataVersion) {
      return; // an answer that was overtaken
    }
    if (version > dataVersion) {
      forget();
      dataVersion = version;
    }
    runs.remove((long) first * CHUNK_BLOCKS, (long) behind * CHUNK_BLOCKS);
    for (int index = first; index < behind; index++) {
      asked.put(index, at);
    }
    for (IndexedChunk chunk : chunks) {
      for (BlockExtent extent : chunk.getChunk().getBlocksList()) {
        runs.put(
            new Run(
                (long) chunk.getIndex() * CHUNK_BLOCKS + extent.getChunkBlock(),
                extent.getCount(),
                extent.getAddress()));
      }
    }
  }

  /** Our own commit came through; when it was the only change, what is known stays known. */
  synchronized void committed(Attributes after, List<Run> added) {
    if (after.dataVersion() == dataVersion + 1) {
      dataVersion = after.dataVersion();
      for (Run run : added) {
        if (asked.containsKey(chunkOf(run.fileBlock()))
            && asked.containsKey(chunkOf(run.end() - 1))) {
          runs.put(run);
        }
      }
    } else if (after.dataVersion() > dataVersion) {
      forget();
      dataVersion = after.dataVersion();
    }
  }

  /** Something else changed: ask again. */
  synchronized void forget() {
    runs.clear();
    asked.clear();
  }
}

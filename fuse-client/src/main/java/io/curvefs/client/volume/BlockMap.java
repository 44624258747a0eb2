package io.curvefs.client.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.client.meta.Attributes;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.FileChunks;
import io.curvefs.proto.IndexedChunk;
import io.curvefs.proto.Inode;
import io.curvefs.proto.ReadReply;
import io.curvefs.slice.Layout;
import io.curvefs.space.VolumeLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * The committed blocks of one file, as far as they are known, and its length: all of one data
 * version; and since when. Blocks that were freed since they were asked for rest in quarantine; so
 * whoever uses an answer must be done with it before that has passed. Thread-safe.
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

  /** Below 0: nothing is known. */
  @GuardedBy("this")
  private long dataVersion = -1;

  /** Of the file in that version. */
  @GuardedBy("this")
  private long length;

  @GuardedBy("this")
  private final Runs runs = new Runs();

  /** When each known chunk was asked for, on the monotonic clock. */
  @GuardedBy("this")
  private final Map<Integer, Long> asked = new HashMap<>();

  /** Grows with each {@link #forget}: an answer that was asked for before is void. */
  @GuardedBy("this")
  private long forgotten;

  @GuardedBy("this")
  private long forgottenAt;

  BlockMap(VolumeMeta meta, InodeId inode, Freshness freshness, LongSupplier nanoTime) {
    this.meta = meta;
    this.inode = inode;
    this.freshness = freshness;
    this.nanoTime = nanoTime;
    this.forgottenAt = nanoTime.getAsLong();
  }

  /**
   * The file in one version.
   *
   * @param length bytes behind it are void on the device
   */
  record Version(long dataVersion, long length) {}

  /**
   * Where blocks of the file are.
   *
   * @param asked the earliest time that one of the answers was asked for
   */
  record Located(List<Run> runs, long asked, Version of) {}

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
          return new Located(runs.within(from, to), oldest, new Version(dataVersion, length));
        }
      }
      ask(missing, Math.max(CHUNKS_PER_REQUEST, chunkOf(to - 1) - missing + 1));
    }
    throw changesAllTheTime();
  }

  /** The version that all answers of {@link #locate} are of now, however old; asks if none is. */
  Version version() throws RefusedException {
    for (int tries = 0; tries < ASKED_MAX; tries++) {
      synchronized (this) {
        if (!asked.isEmpty()) {
          return new Version(dataVersion, length);
        }
      }
      ask(0, CHUNKS_PER_REQUEST);
    }
    throw changesAllTheTime();
  }

  private RefusedException changesAllTheTime() {
    return new RefusedException(Refusal.EIO, "inode " + inode + " changes all the time");
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
    long before;
    synchronized (this) {
      before = forgotten;
    }
    long at = nanoTime.getAsLong();
    ReadReply reply = meta.chunks(inode, first, count);
    if (reply.getInodesCount() == 0) {
      throw new RefusedException(Refusal.ESTALE);
    }
    synchronized (this) {
      if (before == forgotten) {
        Inode now = reply.getInodes(0);
        Version version = new Version(now.getDataVersion(), now.getLength());
        take(version, reply.getChunksList(), first, first + count, at);
      }
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
   * @param at when it was asked for, or before
   */
  synchronized void opened(Attributes attributes, FileChunks chunks, long at) {
    if (at - forgottenAt >= 0 || dataVersion < 0) {
      Version version = new Version(attributes.dataVersion(), attributes.length());
      take(version, chunks.getChunksList(), 0, chunks.getChunksKnown(), at);
    }
  }

  @GuardedBy("this")
  private void take(Version version, List<IndexedChunk> chunks, int first, int behind, long at) {
    if (version.dataVersion < dataVersion) {
      return; // an answer that was overtaken
    }
    if (version.dataVersion > dataVersion) {
      forget();
      dataVersion = version.dataVersion;
    }
    length = version.length;
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
      length = after.length();
      for (Run run : added) {
        for (int chunk = chunkOf(run.fileBlock()); chunk <= chunkOf(run.end() - 1); chunk++) {
          if (asked.containsKey(chunk)) {
            long begin = Math.max(run.fileBlock(), (long) chunk * CHUNK_BLOCKS);
            runs.put(run.part(begin, Math.min(run.end(), (chunk + 1L) * CHUNK_BLOCKS)));
          }
        }
      }
    } else if (after.dataVersion() > dataVersion) {
      forget();
      dataVersion = after.dataVersion();
      length = after.length();
    }
  }

  /** Something else changed: ask again. */
  synchronized void forget() {
    forgotten++;
    forgottenAt = nanoTime.getAsLong();
    runs.clear();
    asked.clear();
  }
}

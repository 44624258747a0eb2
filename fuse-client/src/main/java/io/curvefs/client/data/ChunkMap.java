package io.curvefs.client.data;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.client.content.ContentListener;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.MetaClient;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.ChunkExtents;
import io.curvefs.proto.Extent;
import io.curvefs.proto.FileChunks;
import io.curvefs.proto.IndexedChunk;
import io.curvefs.proto.ReadReply;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The committed extents of one file, as far as they are known, all of one data version.
 * Thread-safe.
 */
final class ChunkMap {
  /** Chunks asked for at once: a reader goes on to the next. */
  private static final int CHUNKS_PER_REQUEST = 16;

  /** Answers that other changes overtake, one after the other. */
  private static final int ASKED_MAX = 20;

  private final MetaClient meta;
  private final InodeId inode;

  @GuardedBy("this")
  private long dataVersion = -1;

  /** Extents by chunk index; an empty list is a hole, an absent one unknown. */
  @GuardedBy("this")
  private final Map<Integer, List<Extent>> known = new HashMap<>();

  private final ContentListener listener;

  ChunkMap(MetaClient meta, InodeId inode, ContentListener listener) {
    this.meta = meta;
    this.inode = inode;
    this.listener = listener;
  }

  /** Extents of a chunk, oldest first. */
  List<Extent> extents(int index) throws RefusedException {
    for (int asked = 0; ; asked++) {
      synchronized (this) {
        List<Extent> extents = known.get(index);
        if (extents != null) {
          return extents;
        }
      }
      if (asked == ASKED_MAX) {
        throw new RefusedException(Refusal.BUSY, "inode " + inode + " changes all the time");
      }
      ReadReply reply = meta.chunks(inode, index, CHUNKS_PER_REQUEST);
      long version = reply.getInodes(0).getDataVersion();
      synchronized (this) {
        take(version, reply.getChunksList(), index, index + CHUNKS_PER_REQUEST);
      }
    }
  }

  /** The file is known to be at this version: extents of an older one would show holes. */
  synchronized void requireVersion(long version) {
    if (version > dataVersion) {
      known.clear();
    }
  }

  /** What an open brought. Keeps what is known already when the data version is the same. */
  synchronized void opened(Attributes attributes, FileChunks chunks) {
    take(attributes.dataVersion(), chunks.getChunksList(), 0, chunks.getChunksKnown());
  }

  @GuardedBy("this")
  private void take(long version, List<IndexedChunk> chunks, int first, int behind) {
    if (version < dataVersion) {
      return; // an answer that was overtaken
    }
    if (version > dataVersion) {
      known.clear();
      dataVersion = version;
    }
    for (int index = first; index < behind; index++) {
      known.put(index, List.of());
    }
    for (IndexedChunk chunk : chunks) {
      known.put(chunk.getIndex(), chunk.getChunk().getExtentsList());
    }
  }

  /** Our own commit came through; when it was the only change, what is known stays known. */
  synchronized void committed(Attributes after, List<ChunkExtents> added) {
    listener.changedHere(inode, after.dataVersion());
    if (after.dataVersion() == dataVersion + 1) {
      dataVersion = after.dataVersion();
      for (ChunkExtents chunk : added) {
        List<Extent> before = known.get(chunk.getIndex());
        if (before != null) {
          List<Extent> both = new ArrayList<>(before);
          both.addAll(chunk.getExtentsList());
          known.put(chunk.getIndex(), both);
        }
      }
    } else if (after.dataVersion() > dataVersion) {
      known.clear();
      dataVersion = after.dataVersion();
    }
  }

  /** What was written and not committed is lost: what the asking side holds of it is wrong. */
  void lost() {
    forget();
    listener.lostHere(inode);
  }

  /** Something else changed, or an object was missing: ask again. */
  synchronized void forget() {
    known.clear();
  }
}

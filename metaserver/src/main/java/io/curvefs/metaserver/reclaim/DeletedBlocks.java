package io.curvefs.metaserver.reclaim;

import com.google.protobuf.ByteString;
import io.curvefs.error.RefusedException;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.proto.Chunk;
import io.curvefs.proto.FreeChunks;
import io.curvefs.proto.LogEntry;
import java.util.List;

/**
 * Puts the blocks of deleted files on volumes into quarantine, a bounded number of chunks and
 * extents in each entry. A crash in between loses nothing: what is left is in the rows.
 */
final class DeletedBlocks {
  private static final int CHUNKS_PER_STEP = 1000;

  /** With the chunk that reaches so many extents, a step ends. */
  private static final int EXTENTS_PER_STEP = 4000;

  /**
   * Frees some chunks of one file system in one group.
   *
   * @return whether there may be more
   */
  boolean free(DataGroup group, Leadership leadership, int fileSystem) throws RefusedException {
    FreeChunks.Builder free = FreeChunks.newBuilder();
    int extents = 0;
    boolean more = false;
    List<Row> garbage = group.rows().scan(Keys.garbage(fileSystem), null, CHUNKS_PER_STEP);
    for (Row file : garbage) {
      int room = CHUNKS_PER_STEP - free.getChunkKeysCount();
      byte[] prefix = Keys.chunks(fileSystem, Keys.inodeOf(file.key()));
      List<Row> chunks = group.rows().scan(prefix, null, Math.max(1, room));
      int taken = 0;
      while (taken < chunks.size() && room > 0 && extents < EXTENTS_PER_STEP) {
        Row chunk = chunks.get(taken++);
        extents += Namespace.parse(chunk.value(), Chunk.parser()).getBlocksCount();
        free.addChunkKeys(ByteString.copyFrom(chunk.key()));
      }
      if (taken < chunks.size() || (taken > 0 && taken == room)) {
        more = true;
        break;
      }
      free.addGarbageKeys(ByteString.copyFrom(file.key()));
    }
    if (free.getChunkKeysCount() + free.getGarbageKeysCount() > 0) {
      Proposals.propose(group, leadership, LogEntry.newBuilder().setFreeChunks(free));
    }
    return more || garbage.size() == CHUNKS_PER_STEP;
  }
}

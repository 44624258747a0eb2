package io.curvefs.metaserver.reclaim;

import com.google.protobuf.ByteString;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.objectstore.ObjectKeys;
import io.curvefs.proto.Chunk;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.ForgetGarbage;
import io.curvefs.proto.Garbage;
import io.curvefs.proto.LogEntry;
import io.curvefs.slice.BlockSet;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Deletes the objects that nothing refers to, then logs that they are gone. A crash in between
 * repeats the deletion, which does no harm: keys are never used again.
 */
final class GarbageCollector {
  private static final int GARBAGE_PER_ROUND = 200;

  /**
   * Chunk rows of one deleted file that one step takes: at most as many times 64 MiB of objects.
   */
  private static final int CHUNKS_PER_STEP = 64;

  private final ObjectStores stores;

  GarbageCollector(ObjectStores stores) {
    this.stores = stores;
  }

  /**
   * Deletes some garbage of one file system in one group.
   *
   * @return whether there may be more
   */
  boolean collect(DataGroup group, Leadership leadership, FileSystem fileSystem)
      throws IOException {
    List<Row> garbage =
        group.rows().scan(Keys.garbage(fileSystem.getId()), null, GARBAGE_PER_ROUND);
    BlockSet blocks = new BlockSet();
    ForgetGarbage.Builder forget = ForgetGarbage.newBuilder();
    boolean more = garbage.size() == GARBAGE_PER_ROUND;
    for (Row row : garbage) {
      if (leadership.isUnsettled(Keys.garbageNumberOf(row.key()))) {
        continue;
      }
      Garbage left = Namespace.parse(row.value(), Garbage.parser());
      left.getSlicesList().forEach(blocks::add);
      if (!left.getWholeInode() || takeChunks(group, row, blocks, forget)) {
        forget.addKeys(ByteString.copyFrom(row.key()));
      } else {
        more = true;
      }
    }
    if (forget.getKeysCount() + forget.getChunkKeysCount() > 0) {
      stores.of(fileSystem).delete(keys(fileSystem, blocks));
      Proposals.propose(group, leadership, LogEntry.newBuilder().setForgetGarbage(forget));
    }
    return more;
  }

  /**
   * Takes a step through the chunks of a file that is gone.
   *
   * @return whether it was the last
   */
  private static boolean takeChunks(
      DataGroup group, Row garbage, BlockSet blocks, ForgetGarbage.Builder forget) {
    byte[] prefix = Keys.chunks(Keys.fileSystemOf(garbage.key()), Keys.inodeOf(garbage.key()));
    List<Row> chunks = group.rows().scan(prefix, null, CHUNKS_PER_STEP);
    for (Row row : chunks) {
      Namespace.parse(row.value(), Chunk.parser()).getExtentsList().forEach(blocks::add);
      forget.addChunkKeys(ByteString.copyFrom(row.key()));
    }
    return chunks.size() < CHUNKS_PER_STEP;
  }

  private static List<String> keys(FileSystem fileSystem, BlockSet blocks) {
    List<String> keys = new ArrayList<>();
    blocks.forEach(
        (slice, block, length) ->
            keys.add(ObjectKeys.block(fileSystem.getUuid(), slice, block, length)));
    return keys;
  }
}

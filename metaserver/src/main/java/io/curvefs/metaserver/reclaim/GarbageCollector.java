package io.curvefs.metaserver.reclaim;

import com.google.protobuf.ByteString;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.objectstore.ObjectKeys;
import io.curvefs.proto.Chunk;
import io.curvefs.proto.Extent;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.ForgetGarbage;
import io.curvefs.proto.Garbage;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.Slice;
import io.curvefs.slice.Layout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Deletes the objects of slices that nothing refers to, then logs that they are gone. A crash in
 * between repeats the deletion, which does no harm: keys are never used again.
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
    Map<Long, Integer> slices = new TreeMap<>();
    ForgetGarbage.Builder forget = ForgetGarbage.newBuilder();
    boolean more = garbage.size() == GARBAGE_PER_ROUND;
    for (Row row : garbage) {
      Garbage left = Namespace.parse(row.value(), Garbage.parser());
      for (Slice slice : left.getSlicesList()) {
        slices.merge(slice.getId(), slice.getLength(), Math::max);
      }
      if (!left.getWholeInode() || takeChunks(group, row, slices, forget)) {
        forget.addKeys(ByteString.copyFrom(row.key()));
      } else {
        more = true;
      }
    }
    if (forget.getKeysCount() + forget.getChunkKeysCount() > 0) {
      stores.of(fileSystem).delete(keys(fileSystem, slices));
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
      DataGroup group, Row garbage, Map<Long, Integer> slices, ForgetGarbage.Builder forget) {
    byte[] prefix = Keys.chunks(Keys.fileSystemOf(garbage.key()), Keys.inodeOf(garbage.key()));
    List<Row> chunks = group.rows().scan(prefix, null, CHUNKS_PER_STEP);
    for (Row row : chunks) {
      for (Extent extent : Namespace.parse(row.value(), Chunk.parser()).getExtentsList()) {
        if (extent.getSlice() != 0) {
          slices.merge(extent.getSlice(), extent.getSliceLength(), Math::max);
        }
      }
      forget.addChunkKeys(ByteString.copyFrom(row.key()));
    }
    return chunks.size() < CHUNKS_PER_STEP;
  }

  private static List<String> keys(FileSystem fileSystem, Map<Long, Integer> slices) {
    List<String> keys = new ArrayList<>();
    slices.forEach(
        (slice, length) -> {
          for (int block = 0; block < Layout.blockCount(length); block++) {
            keys.add(
                ObjectKeys.block(
                    fileSystem.getUuid(), slice, block, Layout.blockLength(length, block)));
          }
        });
    return keys;
  }
}

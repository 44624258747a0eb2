package io.curvefs.client.data;

import io.curvefs.cache.BlockCache;
import io.curvefs.cache.BlockId;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.objectstore.ObjectKeys;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.time.WallClock;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * What all open files of a mount share: where their bytes go and come from.
 *
 * @param background runs commits that nobody waits for
 * @param staging where bytes are safe before they are committed; null: nowhere
 */
record FileStore(
    NamespaceClient namespace,
    ObjectStore objects,
    BlockCache cache,
    WriteBuffer buffer,
    SliceIds sliceIds,
    String fileSystemUuid,
    WallClock clock,
    Executor background,
    @Nullable StagedUploads staging) {
  String key(BlockId id) {
    return ObjectKeys.block(fileSystemUuid, id.slice(), id.index(), id.length());
  }
}

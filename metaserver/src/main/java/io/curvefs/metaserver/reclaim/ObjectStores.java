package io.curvefs.metaserver.reclaim;

import io.curvefs.objectstore.ObjectStore;
import io.curvefs.proto.FileSystem;
import java.io.IOException;

/** The buckets of the file systems. Concurrent: yes. The stores stay the port's. */
@FunctionalInterface
public interface ObjectStores {
  ObjectStore of(FileSystem fileSystem) throws IOException;
}

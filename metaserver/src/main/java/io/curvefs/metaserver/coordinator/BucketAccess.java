package io.curvefs.metaserver.coordinator;

import io.curvefs.proto.FileSystem;
import java.io.IOException;

/**
 * What the coordinator does in a file system's bucket. Blocking. Concurrent: yes. Repeatable: yes.
 */
public interface BucketAccess {
  /**
   * Makes sure that objects can be written, read and deleted, and leaves the marker by which a
   * mount recognises the file system.
   *
   * @throws IOException whose message names what is wrong and the remedy
   */
  void claim(FileSystem fileSystem) throws IOException;

  /**
   * Deletes a bounded number of the file system's objects.
   *
   * @return whether none is left
   */
  boolean deleteSome(FileSystem fileSystem) throws IOException;
}

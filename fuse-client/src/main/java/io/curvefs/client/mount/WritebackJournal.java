package io.curvefs.client.mount;

import io.curvefs.client.staging.Journal;
import io.curvefs.client.staging.SegmentDirectory;
import io.curvefs.proto.FileSystem;
import io.curvefs.time.WallClock;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Decides whether a mount has a write-back journal, and opens it. */
final class WritebackJournal {
  private static final Logger log = LoggerFactory.getLogger(WritebackJournal.class);

  private WritebackJournal() {}

  /**
   * The journal of a mount; null: it needs none. One without {@code -o writeback} works off what an
   * earlier one has left: it is told of nowhere else.
   *
   * @throws IOException one line for the user
   */
  static @Nullable Journal open(MountOptions options, FileSystem fileSystem) throws IOException {
    WritebackOptions writeback = options.writeback();
    Path directory = writeback.of(fileSystem.getUuid());
    if (!writeback.enabled()) {
      long left = SegmentDirectory.bytesIn(directory);
      if (left == 0) {
        return null;
      }
      if (options.readOnly()) {
        log.warn(
            "{} holds {} bytes that an earlier mount of '{}' on this host has not uploaded; a"
                + " read-only mount leaves them: mount it writable to upload them",
            directory,
            left,
            fileSystem.getName());
        return null;
      }
    }
    SegmentDirectory segments;
    try {
      segments = SegmentDirectory.open(directory);
    } catch (SegmentDirectory.InUseException e) {
      if (writeback.enabled()) {
        throw e;
      }
      log.info("what is in {} is uploaded by the process that has it", directory);
      return null;
    }
    boolean opened = false;
    try {
      Journal journal =
          Journal.open(
              segments,
              UUID.fromString(fileSystem.getUuid()),
              writeback.bytesMax(),
              writeback.enabled(),
              WallClock.SYSTEM,
              new SecureRandom());
      opened = true;
      return journal;
    } finally {
      if (!opened) {
        segments.close();
      }
    }
  }
}

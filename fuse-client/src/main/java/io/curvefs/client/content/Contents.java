package io.curvefs.client.content;

import io.curvefs.client.siblings.SiblingReadAhead;
import io.curvefs.id.InodeId;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The bytes of all files of a mount. Thread-safe. */
public interface Contents extends AutoCloseable {
  /** The bytes of a file, one and the same for all who have it open, each until its close. */
  FileContent open(InodeId inode);

  /** The file's bytes, when it is open or some of them are not committed; else null. */
  @Nullable FileContent find(InodeId inode);

  /**
   * Ends one {@link #open}. With the last one, what is not flushed by now never will be: somebody
   * else may still be writing the file until then.
   */
  void close(FileContent file);

  /** Fetches small files before they are opened; told of listings and opens. */
  SiblingReadAhead siblings();

  /**
   * Flushes every file.
   *
   * @return what could not be written, one line each
   */
  List<String> flushAll();

  /** What is written here, acknowledged, and not yet where it belongs; empty: never anything. */
  Optional<StagedUsage> staged();

  /**
   * Waits until nothing is {@link #staged}.
   *
   * @return whether that is so
   */
  boolean awaitUploaded(Duration bound) throws InterruptedException;

  /** Call {@link #flushAll} first. */
  @Override
  void close();
}

package io.curvefs.client.content;

import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.SetAttributes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/** The bytes of one file, shared by all its handles. Thread-safe. */
public interface FileContent {
  InodeId inode();

  /** What an open has brought is news for the other handles too. */
  void opened(NamespaceClient.Opened opened);

  /** A read of its own sequence: what is read ahead follows from it. */
  ReadStream stream(long readAheadBytesMax);

  /**
   * Reads into dst, as much as fits and the file has.
   *
   * @param attributes as they look from this mount
   * @return bytes read; 0 at the end of the file
   */
  int read(ReadStream stream, long offset, ByteBuffer dst, Attributes attributes)
      throws IOException;

  /** Takes bytes in; src is read to its end. */
  void write(long offset, ByteBuffer src) throws IOException;

  /** Returns once everything written is safe. */
  void flush() throws IOException;

  /** Returns once everything written is committed, for others to see. */
  void drain() throws IOException;

  /**
   * Changes attributes in order with what was written: neither the time nor the length of a write
   * overtakes those that are set after it.
   *
   * @param action does it at the metaserver
   */
  Attributes setAttributes(SetAttributes.Builder set, AttributeSource action) throws IOException;

  /**
   * Makes zeros of a range, in order with what was written before, and frees what backed it. The
   * length stays; what of the range is behind it is passed over.
   *
   * @return the attributes afterwards; empty: nothing was changed
   */
  Optional<Attributes> punchHole(long offset, long length) throws IOException;

  /** The file's bytes were changed by something else than writes: a truncate, another mount. */
  void changed();

  /** Whether something is written that nobody else can see yet. */
  boolean isDirty();

  /**
   * The attributes as they look from this mount. What is uncommitted is noted before the attributes
   * are asked for: a commit in between is in the one or in the other.
   */
  Attributes withUncommitted(AttributeSource committed) throws RefusedException;

  /** How often writing this file has failed. */
  long failures();

  /** Where attributes come from. */
  @FunctionalInterface
  interface AttributeSource {
    Attributes get() throws RefusedException;
  }
}

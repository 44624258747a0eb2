package io.curvefs.client.staging;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Numbered files that only grow. Concurrent: reads and {@link #list} yes, all else by one thread at
 * a time.
 */
public interface SegmentStore extends Closeable {
  /** Numbers of the segments there are, ascending. */
  List<Long> list() throws IOException;

  /**
   * A new, empty segment. When this returns its name survives a power cut; its content only as far
   * as it is forced.
   */
  Segment create(long number) throws IOException;

  /** A segment that is there, to read and to cut. */
  Segment open(long number) throws IOException;

  /**
   * Removes a segment. When this returns it is gone for good, power cut or not: what a later
   * segment says about it may then go too.
   */
  void delete(long number) throws IOException;

  /** Where the segments are, for people. */
  String name();

  /** One file. Reads are concurrent with everything but {@link #close}. */
  interface Segment extends Closeable {
    long size() throws IOException;

    /** Writes all of the buffers at the end, in order; their positions advance. */
    void append(List<ByteBuffer> buffers) throws IOException;

    /** Returns once everything appended survives a power cut. */
    void force() throws IOException;

    /** Cuts what lies behind; survives a power cut when this returns. */
    void truncate(long size) throws IOException;

    /**
     * Fills dst.
     *
     * @throws IOException also when the segment ends before
     */
    void read(long offset, ByteBuffer dst) throws IOException;
  }
}

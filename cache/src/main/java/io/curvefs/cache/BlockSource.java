package io.curvefs.cache;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** Where blocks come from when no tier has them: the object store, joined by a lambda. */
@FunctionalInterface
public interface BlockSource {
  /**
   * Reads bytes {@code offset} to {@code offset + length} of a block into {@code into}, whose
   * buffers together have exactly {@code length} bytes remaining. Each buffer is filled from its
   * position to its limit, and its position advances to the limit.
   *
   * <p>Concurrent: yes. Repeatable: yes, a block never changes. Partial: never; when it returns,
   * all is filled, when it throws, the buffers hold anything. Blocking: yes, but bounded, because
   * every reader of the block waits for this call. The buffers belong to the caller and must not be
   * kept.
   *
   * @throws IOException if the bytes cannot be had; every waiting reader gets this exception,
   *     unless this thread was interrupted, and still is: then one of the others loads
   */
  void load(BlockId id, int offset, int length, List<ByteBuffer> into) throws IOException;
}

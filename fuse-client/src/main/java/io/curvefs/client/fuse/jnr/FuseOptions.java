package io.curvefs.client.fuse.jnr;

import java.time.Duration;
import java.util.List;

/**
 * How the kernel is asked to mount.
 *
 * @param source what the mount table shows as the device
 * @param attributeTimeout how long the kernel may keep attributes
 * @param entryTimeout how long it may keep a name
 * @param negativeTimeout how long it may keep the absence of a name
 * @param readOnly mount read-only
 * @param noOpen the kernel reads files without asking to open them; needs readOnly
 * @param allowOther other users than the mounting one may enter
 * @param threads that answer the kernel, 1 to 256
 * @param more options of libfuse or the kernel, as they are
 */
public record FuseOptions(
    String source,
    Duration attributeTimeout,
    Duration entryTimeout,
    Duration negativeTimeout,
    boolean readOnly,
    boolean noOpen,
    boolean allowOther,
    int threads,
    List<String> more) {
  private static final int THREADS_MAX = 256;

  public FuseOptions {
    if (threads < 1 || threads > THREADS_MAX) {
      throw new IllegalArgumentException(
          "option threads must be 1 to " + THREADS_MAX + ", not " + threads);
    }
    if (noOpen && !readOnly) {
      throw new IllegalArgumentException("without opens nothing can be written");
    }
    if (source.indexOf(',') >= 0) {
      throw new IllegalArgumentException("a mount's source cannot have a comma: " + source);
    }
    more = List.copyOf(more);
  }
}

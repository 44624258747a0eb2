package io.curvefs.client.warmup;

/**
 * What is asked of a job, besides its paths.
 *
 * @param title for lists: the first path, or the name of the list
 * @param threads that move blocks at once, 1 to {@link #THREADS_MAX}
 * @param bytesPerSecond most bytes that are moved; 0: no limit
 * @param pin keep the blocks until they are evicted by name
 * @param force begin although it does not fit
 * @param windowBytes run ahead of a reader that goes through the list in its order, by at most so
 *     many bytes, and evict what has been read; 0: the order means nothing
 */
public record JobRequest(
    JobKind kind,
    String title,
    Storage storage,
    int threads,
    long bytesPerSecond,
    boolean pin,
    boolean force,
    Share share,
    long windowBytes) {
  public static final int THREADS_DEFAULT = 16;
  public static final int THREADS_MAX = 128;

  /** Characters of a title. */
  public static final int TITLE_MAX = 200;

  public JobRequest {
    if (threads < 1 || threads > THREADS_MAX) {
      throw new IllegalArgumentException(
          "option --threads must be 1 to " + THREADS_MAX + ", not " + threads);
    }
    if (bytesPerSecond < 0 || windowBytes < 0) {
      throw new IllegalArgumentException("sizes must not be negative");
    }
    if (windowBytes > 0 && (pin || share.hosts() > 1 || storage != Storage.DISK)) {
      throw new IllegalArgumentException(
          "option --order works with the disk cache of one host, and evicts: it goes neither with"
              + " --pin nor with --distribute nor with another --storage");
    }
    title = title.length() <= TITLE_MAX ? title : title.substring(0, TITLE_MAX);
  }

  /** A request with nothing special about it. */
  public static JobRequest of(JobKind kind, String title, Storage storage) {
    return new JobRequest(kind, title, storage, THREADS_DEFAULT, 0, false, false, Share.ALL, 0);
  }
}

package io.curvefs.client.defrag;

/**
 * What became of a fragmented file, or of a directory that could not be listed.
 *
 * @param path from the file system's root, as UTF-8
 * @param reason why it was skipped or has failed, in one line; empty: it was moved
 */
public record FileEnd(String path, Kind kind, String reason) {
  /** How it ended. */
  public enum Kind {
    MOVED,
    /** It was left, or part of it, for a good reason. */
    SKIPPED,
    FAILED
  }
}

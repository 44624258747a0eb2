package io.curvefs.space.volume;

import java.io.IOException;

/** A device is not the volume that was wanted, or may not become one. */
public final class VolumeRefusedException extends IOException {
  private static final long serialVersionUID = 1;

  /** What is wrong. */
  public enum Reason {
    /** It already is a volume. */
    ALREADY_FORMATTED,
    /** Something else seems to be on it. */
    LOOKS_USED,
    /** It has no room for headers and data. */
    TOO_SMALL,
    /** It is no volume. */
    NOT_FORMATTED,
    /** Both headers are damaged. */
    DAMAGED,
    /** A newer program formatted it. */
    NEWER_FORMAT,
    /** It belongs to another file system. */
    OTHER_FILE_SYSTEM,
    /** It is another volume of the file system. */
    OTHER_VOLUME,
    /** It is shorter than its header says. */
    SHRUNK
  }

  private final Reason reason;

  /** Takes the device, what is wrong, and the remedy in words. */
  public VolumeRefusedException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  /** What is wrong. */
  public Reason reason() {
    return reason;
  }
}

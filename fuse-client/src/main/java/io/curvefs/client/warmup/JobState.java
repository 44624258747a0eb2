package io.curvefs.client.warmup;

/** How far a job has come. */
public enum JobState {
  WAITING,
  /** Adds up files and bytes from metadata. */
  COUNTING,
  RUNNING,
  /** Once more, what has failed. */
  RETRYING,
  /** Every file is cached, failed or skipped. */
  DONE,
  /** It was not begun, because what it needs does not fit. */
  REFUSED,
  CANCELLED,
  /** Stopped by a defect or a full disk; the message says which. */
  BROKEN;

  public boolean isEnd() {
    return switch (this) {
      case WAITING, COUNTING, RUNNING, RETRYING -> false;
      case DONE, REFUSED, CANCELLED, BROKEN -> true;
    };
  }
}

package io.curvefs.client.data;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SliceId;
import io.curvefs.proto.Timestamp;
import io.curvefs.slice.Layout;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What of one file is written and not committed. Its monitor is the file's lock: who uses the
 * fields holds it, never over a request, and wakes those who wait when something has changed.
 */
final class WriteState {
  /** Uploaded blocks that are committed without waiting for a flush: one chunk's worth. */
  private static final int COMMIT_BLOCKS = Layout.CHUNK_BYTES / Layout.BLOCK_BYTES;

  /**
   * Nothing has moved for so long: more than the object store's and the metaserver's own bounds.
   */
  static final Duration STUCK = Duration.ofSeconds(200);

  private final FileStore store;
  private final InodeId inode;
  private final ChunkMap chunks;

  @GuardedBy("this")
  final Gathering active = new Gathering();

  @GuardedBy("this")
  final PendingBlocks pending = new PendingBlocks();

  /** The slice that the next block may continue; null: none. */
  @GuardedBy("this")
  @Nullable OpenSlice openSlice;

  @GuardedBy("this")
  boolean committing;

  /**
   * A commit of blocks from the journal was sent, and whether it was carried out is unknown:
   * nothing is committed before that is known.
   */
  @GuardedBy("this")
  boolean unsure;

  /**
   * What an earlier mount has left may be committed, and truncated since: nothing of the file is
   * shown before that is known.
   */
  @GuardedBy("this")
  boolean recovering;

  /** A flush of what has been waiting for too long is under way. */
  @GuardedBy("this")
  boolean flushingOld;

  /** End of everything written since the last commit; 0: nothing. */
  @GuardedBy("this")
  long writtenEnd;

  @GuardedBy("this")
  Timestamp lastWrite = Timestamp.getDefaultInstance();

  /** What the modification time will be: of the last write, unless it was set by hand since. */
  @GuardedBy("this")
  Timestamp mtime = Timestamp.getDefaultInstance();

  /** When the oldest of what is gathered or goes through was written, at the latest. */
  @GuardedBy("this")
  long firstWriteNanos;

  /** Whoever flushes next has written, or another handle has. */
  @GuardedBy("this")
  boolean writtenSinceFlush;

  /** How often writing has failed; each handle reports a failure once. */
  @GuardedBy("this")
  private long failures;

  /** Grows whenever what a reader sees of the pending blocks changes. */
  @GuardedBy("this")
  long generation;

  /** A slice of whole blocks so far, whose last one ends at this place of the file. */
  record OpenSlice(SliceId id, int length, long fileEnd) {}

  /**
   * What is written and not committed, as attributes show it.
   *
   * @param end where the last of it ends in the file
   * @param mtime what the modification time will be
   * @param changed when the last of it was written
   */
  record Uncommitted(long end, Timestamp mtime, Timestamp changed) {}

  WriteState(FileStore store, InodeId inode, ChunkMap chunks) {
    this.store = store;
    this.inode = inode;
    this.chunks = chunks;
  }

  /**
   * Everything that is neither committed nor in the journal is lost; every handle hears of it once.
   */
  @GuardedBy("this")
  void fail() {
    failures++;
    pending.dropGoingThrough();
    openSlice = null;
    writtenEnd = pending.end();
    active.release(store.buffer());
    chunks.lost();
  }

  /** Some blocks are not pending any more. */
  @GuardedBy("this")
  void gone() {
    if (pending.isEmpty() && active.isEmpty()) {
      writtenEnd = 0;
    } else {
      firstWriteNanos = System.nanoTime();
    }
    generation++;
    notifyAll();
  }

  @GuardedBy("this")
  boolean isCommitDue() {
    return !committing
        && !unsure
        && (pending.uploadedPrefix() >= COMMIT_BLOCKS || pending.isWhollyUploadedFromJournal());
  }

  @GuardedBy("this")
  void requireNoFailureSince(long failuresBefore) throws RefusedException {
    if (failures > failuresBefore) {
      throw new RefusedException(
          Refusal.EIO, "writing inode " + inode + " failed: the log has the cause");
    }
  }

  @GuardedBy("this")
  void awaitChange(long stuckAt) throws RefusedException {
    long left = stuckAt - System.nanoTime();
    if (left <= 0) {
      if (store.staging() == null || pending.hasGoingThrough()) {
        fail();
      }
      throw new RefusedException(
          Refusal.EIO, "writing inode " + inode + " has been stuck for " + STUCK);
    }
    try {
      TimeUnit.NANOSECONDS.timedWait(this, left);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException(Refusal.EINTR);
    }
  }

  /**
   * Until when a wait is worth while. Uploads from the journal take turns with those of all files:
   * while this file waits for its turn, the time counts from the last upload of any.
   *
   * @param before until when it was
   */
  @GuardedBy("this")
  long stuckAt(long before) {
    StagedUploads staging = store.staging();
    if (staging == null || committing || unsure || !pending.waitsForItsTurn()) {
      return before;
    }
    long later = staging.lastUploadNanos() + STUCK.toNanos();
    return later - before > 0 ? later : before;
  }

  /** Waits until it is known what of an earlier mount's blocks is to be shown. */
  synchronized void awaitRecovered() throws RefusedException {
    long stuckAt = System.nanoTime() + STUCK.toNanos();
    while (recovering) {
      awaitChange(stuckAt);
    }
  }

  /** Waits until no commit is under way, nor one whose outcome is unknown. */
  @GuardedBy("this")
  void awaitNotCommitting() throws RefusedException {
    long stuckAt = System.nanoTime() + STUCK.toNanos();
    while (committing || unsure) {
      awaitChange(stuckAt);
    }
  }

  /** Whether something is gathered, or sent and not committed. */
  synchronized boolean hasPending() {
    return !active.isEmpty() || !pending.isEmpty();
  }

  /**
   * Where everything written since the last commit ends, and when; null: nothing is uncommitted.
   */
  synchronized @Nullable Uncommitted uncommitted() {
    return writtenEnd == 0 ? null : new Uncommitted(writtenEnd, mtime, lastWrite);
  }

  /** How often writing has failed. */
  synchronized long failures() {
    return failures;
  }
}

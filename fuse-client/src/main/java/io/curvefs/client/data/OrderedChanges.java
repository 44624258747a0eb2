package io.curvefs.client.data;

import io.curvefs.client.content.FileContent;
import io.curvefs.client.meta.Attributes;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.SetAttributes;
import io.curvefs.proto.Timestamp;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Changes of one file other than writes, in order with what of it is in the journal. Thread-safe;
 * the file's lock is never held over a request.
 */
final class OrderedChanges {
  private static final Logger log = LoggerFactory.getLogger(OrderedChanges.class);

  private final InodeId inode;
  private final WriteState state;
  private final FileCommits commits;

  /** Where bytes are safe before they are committed; null: only in the object store. */
  private final @Nullable StagedUploads staging;

  OrderedChanges(FileStore store, InodeId inode, WriteState state, FileCommits commits) {
    this.inode = inode;
    this.state = state;
    this.commits = commits;
    this.staging = store.staging();
  }

  /**
   * What is written so far gives the file this modification time, although it may be committed
   * later.
   */
  void setTimes(Timestamp byHand) throws IOException {
    if (staging == null) {
      return;
    }
    CompletableFuture<Void> safe = null;
    synchronized (state) {
      state.awaitNotCommitting();
      if (state.pending.isEmpty()) {
        return;
      }
      if (!state.pending.hasGoingThrough()) {
        state.pending.setTimes(byHand);
        state.mtime = byHand;
        safe = staging.journal().times(inode, state.pending.lastInJournal(), byHand);
      }
    }
    try {
      if (safe != null) {
        safe.get(WriteState.STUCK.toSeconds(), TimeUnit.SECONDS);
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException(Refusal.EINTR);
    } catch (ExecutionException | TimeoutException e) {
      log.warn("inode {}: the journal did not take a time: {}", inode, e.getMessage());
    }
    commits.awaitCommitted();
  }

  /**
   * Empties the file. What of it is in the journal is then dropped instead of committed; the
   * metaserver is told so in the same request, lest the next mount commits it.
   *
   * @param set what is asked of the metaserver
   * @param action asks it
   * @return empty when that cannot be done now: drain first
   */
  Optional<Attributes> empty(SetAttributes.Builder set, FileContent.AttributeSource action)
      throws RefusedException {
    if (staging == null) {
      return Optional.empty();
    }
    List<PendingBlock> dropped;
    synchronized (state) {
      state.awaitNotCommitting();
      if (state.pending.hasGoingThrough() || state.pending.hasUnsafe() || !state.active.isEmpty()) {
        return Optional.empty();
      }
      state.committing = true; // nobody else does until this is over
      dropped = state.pending.all();
      set.addAllStaged(PendingBlocks.staged(dropped));
    }
    boolean emptied = false;
    try {
      Attributes after = action.get();
      emptied = true;
      return Optional.of(after);
    } finally {
      synchronized (state) {
        state.committing = false;
        if (emptied) {
          dropped.forEach(block -> block.unwanted = true);
          state.pending.removeAll(dropped);
          state.openSlice = null;
          state.writtenEnd = Math.max(state.pending.end(), state.active.end());
          state.gone();
        }
        state.notifyAll();
      }
      if (emptied) {
        commits.dropFromJournal(dropped);
      }
      commits.lookAgain();
    }
  }
}

package io.curvefs.client.data;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.cache.BlockId;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.staging.StagedBlock;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.CommitExtents;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings the uploaded blocks of one file to the metaserver, in the order in which they were sent,
 * one request at a time. Nothing is committed before it is in the object store. When it is unknown
 * whether a commit from the journal was carried out, that is found out before the next.
 * Thread-safe; the file's lock is never held over a request.
 */
final class FileCommits {
  private static final Logger log = LoggerFactory.getLogger(FileCommits.class);

  private final FileStore store;
  private final InodeId inode;
  private final ChunkMap chunks;
  private final WriteState state;

  /** Where bytes are safe before they are committed; null: only in the object store. */
  private final @Nullable StagedUploads staging;

  FileCommits(FileStore store, InodeId inode, ChunkMap chunks, WriteState state) {
    this.store = store;
    this.inode = inode;
    this.chunks = chunks;
    this.state = state;
    this.staging = store.staging();
  }

  /** Does so soon, on another thread. */
  void begin() {
    store.background().execute(this::commitInBackground);
  }

  /**
   * Begins a commit if one is due: uploads that ended while there could be none have begun none.
   */
  void lookAgain() {
    boolean due;
    synchronized (state) {
      due = state.isCommitDue();
    }
    if (due) {
      begin();
    }
  }

  private void commitInBackground() {
    try {
      boolean more = commitUploaded();
      while (more) {
        synchronized (state) {
          more = state.isCommitDue();
        }
        more = more && commitUploaded();
      }
    } catch (RefusedException e) {
      log.error("inode {}: what was written could not be committed: {}", inode, e.getMessage());
    }
  }

  /** Returns once everything sent before is committed, or in the journal. */
  void awaitSafe() throws IOException {
    if (staging != null) {
      long failuresBefore = state.failures();
      long stuckAt = System.nanoTime() + WriteState.STUCK.toNanos();
      synchronized (state) {
        while (state.pending.hasUnsafe()) {
          state.awaitChange(stuckAt);
        }
        state.requireNoFailureSince(failuresBefore);
        if (!state.pending.hasGoingThrough()) {
          return;
        }
      }
    }
    awaitCommitted();
  }

  /** Returns once everything sent before is committed. */
  void awaitCommitted() throws IOException {
    long failuresBefore = state.failures();
    long stuckAt = System.nanoTime() + WriteState.STUCK.toNanos();
    while (true) {
      synchronized (state) {
        state.requireNoFailureSince(failuresBefore);
        if (state.pending.isEmpty()) {
          return;
        }
        if (state.committing || state.unsure || state.pending.uploadedPrefix() == 0) {
          stuckAt = state.stuckAt(stuckAt);
          state.awaitChange(stuckAt);
          continue;
        }
      }
      if (commitUploaded()) {
        stuckAt = System.nanoTime() + WriteState.STUCK.toNanos();
      }
    }
  }

  /**
   * Commits the blocks at the head of the queue that are uploaded, in one request.
   *
   * @return whether there were any, and they are committed
   */
  private boolean commitUploaded() throws RefusedException {
    List<PendingBlock> blocks;
    CommitExtents.Builder commit;
    synchronized (state) {
      blocks = state.committing || state.unsure ? List.of() : state.pending.committable();
      if (blocks.isEmpty()) {
        return false;
      }
      state.committing = true;
      blocks.forEach(block -> block.sent = true);
      commit = PendingBlocks.commit(inode, blocks);
    }
    boolean fromJournal = staging != null && blocks.get(0).isInJournal();
    Attributes after = null;
    RefusedException refused = null;
    try {
      after = store.namespace().commit(commit);
    } catch (RefusedException e) {
      refused = e;
    } finally {
      synchronized (state) {
        state.committing = false;
        if (after != null) {
          committed(blocks, after, commit);
        } else if (staging != null && fromJournal) {
          state.unsure = true;
          if (refused == null) {
            staging.later(this::settle);
          }
        } else {
          state.fail();
        }
        state.notifyAll();
      }
    }
    if (staging != null && fromJournal && refused != null) {
      uncertain(refused);
      return false;
    }
    if (refused != null) {
      throw refused;
    }
    if (staging != null) {
      told(staging, fromJournal ? blocks.get(blocks.size() - 1).sequence : 0);
    }
    return true;
  }

  @GuardedBy("state")
  private void committed(
      List<PendingBlock> blocks, Attributes after, CommitExtents.Builder commit) {
    chunks.committed(after, commit.getChunksList());
    state.pending.removeAll(blocks);
    state.gone();
  }

  /**
   * @param done sequence number of the last block that is committed; 0: none
   */
  private void told(StagedUploads to, long done) {
    if (done != 0) {
      to.done(inode, done);
    }
    to.drained(inode);
  }

  /** On a thread of the object store: must not block. */
  void uploadedFromJournal(PendingBlock block, boolean good) {
    boolean unwanted;
    boolean commitDue;
    synchronized (state) {
      boolean wanted = state.pending.contains(block);
      block.uploaded |= good;
      unwanted = good && !wanted && block.unwanted;
      // What is behind a block that fails is waiting for it; what is before is not.
      block.uploadFailed = !good;
      commitDue =
          state.isCommitDue()
              || (!good
                  && !state.committing
                  && !state.unsure
                  && state.pending.uploadedPrefix() > 0);
      state.notifyAll();
    }
    if (unwanted && staging != null) {
      staging.delete(List.of(block.id));
    }
    if (commitDue) {
      begin();
    }
  }

  boolean isWanted(PendingBlock block) {
    synchronized (state) {
      return state.pending.contains(block);
    }
  }

  // ---- blocks in the journal whose commit did not come through, or an earlier mount's ----

  /** Takes over what an earlier mount has left in the journal. */
  void recover(List<StagedBlock> blocks) {
    synchronized (state) {
      for (StagedBlock block : blocks) {
        PendingBlock pending = PendingBlock.inJournal(block);
        pending.sent = true; // perhaps
        state.pending.add(pending);
        state.lastWrite = block.staged();
        state.mtime = block.mtime();
      }
      state.writtenEnd = state.pending.end();
      state.firstWriteNanos = System.nanoTime();
      state.unsure = true;
      state.recovering = true;
    }
  }

  private void uncertain(RefusedException refused) {
    if (staging == null) {
      return;
    }
    if (refused.refusal() == Refusal.ENOENT) {
      vanished();
      return;
    }
    if (refused.refusal() != Refusal.CHANGED) { // or they are committed, as settling finds out
      staging.commitFailed(inode, refused);
    }
    staging.later(this::settle);
  }

  /** The file is gone: nobody wants its bytes any more. */
  private void vanished() {
    log.debug("inode {} was removed; what was written to it is dropped", inode);
    List<PendingBlock> dropped;
    synchronized (state) {
      dropped = state.pending.all();
      dropped.forEach(block -> block.unwanted = true);
      state.fail();
      state.pending.removeAll(dropped);
      state.writtenEnd = 0;
      state.unsure = false;
      state.recovering = false;
      state.gone();
    }
    dropFromJournal(dropped);
  }

  /** Blocks that are not pending any more, and whose objects nothing will refer to. */
  void dropFromJournal(List<PendingBlock> dropped) {
    if (staging == null) {
      return;
    }
    List<BlockId> uploaded = new ArrayList<>();
    long upTo = 0;
    synchronized (state) {
      for (PendingBlock block : dropped) {
        upTo = Math.max(upTo, block.sequence);
        if (block.uploaded) {
          uploaded.add(block.id);
        }
      }
    }
    staging.delete(uploaded);
    told(staging, upTo);
  }

  /**
   * Finds out which blocks of the journal are committed. Others that were sent get new names: what
   * became of the old ones is not known, so neither may they be committed (they may be garbage) nor
   * deleted (a commit of them may still be on its way).
   */
  void settle() {
    List<PendingBlock> blocks;
    synchronized (state) {
      if (!state.unsure || staging == null) {
        return;
      }
      blocks = state.pending.all().stream().filter(block -> block.staged).toList();
    }
    boolean known = false;
    try {
      int committed = Settlement.committed(store.namespace(), inode, blocks);
      Map<PendingBlock, @Nullable PendingBlock> replacements = new LinkedHashMap<>();
      for (PendingBlock block : blocks.subList(0, committed)) {
        replacements.put(block, null);
      }
      for (PendingBlock block : Settlement.inDoubt(blocks.subList(committed, blocks.size()))) {
        replacements.put(block, block.renamed(store.sliceIds().next().value()));
      }
      settled(replacements, committed == 0 ? 0 : blocks.get(committed - 1).sequence);
      known = true;
    } catch (RefusedException e) {
      known = true;
      uncertain(e);
    } finally {
      if (!known) {
        staging.later(this::settle); // a defect; not for ever, though
      }
    }
  }

  void settled(Map<PendingBlock, @Nullable PendingBlock> replacements, long done) {
    if (staging == null) {
      return;
    }
    synchronized (state) {
      state.pending.replace(replacements);
      state.openSlice = null;
      state.unsure = false;
      state.recovering = false;
      Set<PendingBlock> still = new HashSet<>(state.pending.all());
      for (PendingBlock block : replacements.values()) {
        if (block != null && still.contains(block)) {
          staging.journal().rename(block.sequence, block.id, block.extents);
        }
      }
      if (done != 0) {
        chunks.forget();
      }
      state.gone();
    }
    replacements.forEach(
        (before, after) -> {
          if (after != null) {
            staging.add(this, after);
          }
        });
    told(staging, done);
    lookAgain();
  }
}

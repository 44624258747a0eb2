package io.curvefs.metaserver.raft;

import com.alipay.sofa.jraft.Closure;
import com.alipay.sofa.jraft.Iterator;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.core.StateMachineAdapter;
import com.alipay.sofa.jraft.entity.LeaderChangeContext;
import com.alipay.sofa.jraft.entity.RaftOutter.SnapshotMeta;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.error.RaftException;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotReader;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotWriter;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.InvalidProtocolBufferException;
import io.curvefs.id.GroupId;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.Replica;
import io.curvefs.metaserver.store.StateStore;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.LogEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Joins JRaft to a {@link Replica}: entries of one call become one write batch, which carries the
 * applied index too. Called by JRaft's one state machine thread.
 *
 * @param <O> what the replica answers
 */
final class GroupStateMachine<O> extends StateMachineAdapter {
  private static final Logger log = LoggerFactory.getLogger(GroupStateMachine.class);

  /** Directory of a snapshot that holds the store's files. */
  private static final String STATE = "state";

  private final GroupId group;
  private final Replica<O> replica;
  private final StateStore store;
  private final GroupMetrics metrics;

  /** The newest in which this server led or followed. */
  private volatile long newestTerm;

  /** Index of the last entry whose rows are in the store. */
  private long applied;

  @GuardedBy("this")
  private @Nullable LeadershipListener leadership;

  /** Negative while this server does not lead. */
  @GuardedBy("this")
  private long term = -1;

  GroupStateMachine(GroupId group, Replica<O> replica, StateStore store, GroupMetrics metrics) {
    this.group = group;
    this.replica = replica;
    this.store = store;
    this.metrics = metrics;
    this.applied = storedIndex();
  }

  private long storedIndex() {
    byte[] stored = store.get(Keys.appliedIndex());
    return stored == null ? 0 : ByteBuffer.wrap(stored).getLong();
  }

  /** Sets who hears of leadership from now on; it hears at once of one that has begun already. */
  synchronized void listen(LeadershipListener listener) {
    leadership = listener;
    if (term >= 0) {
      listener.started(term);
    }
  }

  synchronized boolean isLeader() {
    return term >= 0;
  }

  long newestTerm() {
    return newestTerm;
  }

  private synchronized void lead(long newTerm) {
    term = newTerm;
    if (leadership == null) {
      return;
    }
    if (newTerm >= 0) {
      leadership.started(newTerm);
    } else {
      leadership.stopped();
    }
  }

  private record Answered<O>(Proposal<O> proposal, O outcome) {}

  @Override
  public void onApply(Iterator entries) {
    long begun = System.nanoTime();
    WriteSet rows = new WriteSet(store);
    List<Answered<O>> answers = new ArrayList<>();
    long last = applied;
    Proposal<O> failing = null;
    try {
      while (entries.hasNext()) {
        long index = entries.getIndex();
        failing = proposal(entries.done());
        if (index > applied) {
          LogEntry entry = failing != null ? failing.entry() : parse(entries.getData());
          O outcome = replica.apply(entry, index, rows);
          rows.mark();
          if (failing != null) {
            answers.add(new Answered<>(failing, outcome));
            metrics.applied(entry.getBodyCase());
          }
          last = index;
        }
        entries.next();
      }
      failing = null;
      if (last > applied) {
        rows.put(Keys.appliedIndex(), ByteBuffer.allocate(8).putLong(last).array());
        store.write(rows);
        applied = last;
      }
    } catch (RuntimeException | IOException e) {
      log.error("group {} stops on this server: entry {} cannot be applied", group, last + 1, e);
      if (failing != null) {
        failing.fail(e);
      }
      answers.forEach(answer -> answer.proposal.fail(e));
      entries.setErrorAndRollback(1, new Status(RaftError.ESTATEMACHINE, "%s", e.toString()));
      return;
    }
    metrics.batchApplied(System.nanoTime() - begun);
    for (Answered<O> answer : answers) {
      metrics.committed(answer.proposal.ageNanos());
      answer.proposal.succeed(answer.outcome);
    }
  }

  @SuppressWarnings("unchecked") // every closure that we propose is one
  private @Nullable Proposal<O> proposal(@Nullable Closure done) {
    return (Proposal<O>) done;
  }

  private static LogEntry parse(ByteBuffer data) throws IOException {
    try {
      return LogEntry.parseFrom(data);
    } catch (InvalidProtocolBufferException e) {
      throw new IOException("a log entry is damaged", e);
    }
  }

  @Override
  public void onSnapshotSave(SnapshotWriter writer, Closure done) {
    try {
      for (String file : store.checkpoint(Path.of(writer.getPath(), STATE))) {
        if (!writer.addFile(STATE + "/" + file)) {
          throw new IOException("cannot add " + file + " to the snapshot");
        }
      }
      done.run(Status.OK());
    } catch (IOException e) {
      log.error("group {}: no snapshot", group, e);
      done.run(new Status(RaftError.EIO, "%s", e.toString()));
    }
  }

  @Override
  public boolean onSnapshotLoad(SnapshotReader reader) {
    SnapshotMeta meta = reader.load();
    if (meta.getLastIncludedIndex() <= applied) {
      return true; // at start: the store itself is newer than its snapshot
    }
    try {
      store.restore(Path.of(reader.getPath(), STATE));
      applied = storedIndex();
      return true;
    } catch (IOException e) {
      log.error("group {}: the snapshot cannot be loaded", group, e);
      return false;
    }
  }

  @Override
  public void onLeaderStart(long newTerm) {
    log.info("group {}: leader from term {} on", group, newTerm);
    newestTerm = newTerm;
    lead(newTerm);
  }

  @Override
  public void onLeaderStop(Status status) {
    log.info("group {}: no longer leader: {}", group, status.getErrorMsg());
    lead(-1);
  }

  @Override
  public void onStartFollowing(LeaderChangeContext leader) {
    newestTerm = leader.getTerm();
  }

  @Override
  public void onError(RaftException failure) {
    log.error("group {} has stopped on this server and needs a restart", group, failure);
    lead(-1);
  }
}

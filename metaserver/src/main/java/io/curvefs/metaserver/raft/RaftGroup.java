package io.curvefs.metaserver.raft;

import com.alipay.sofa.jraft.Node;
import com.alipay.sofa.jraft.RaftGroupService;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.closure.ReadIndexClosure;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.entity.Task;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.metaserver.store.StateStore;
import io.curvefs.metaserver.store.View;
import io.curvefs.proto.LogEntry;
import io.curvefs.rpc.HostPort;
import io.curvefs.rpc.NotLeaderException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * This server's replica of one raft group. Thread-safe.
 *
 * @param <O> what its state machine answers
 */
public final class RaftGroup<O> implements AutoCloseable {
  private static final byte[] NO_CONTEXT = new byte[0];

  private final GroupId id;
  private final GroupStateMachine<O> machine;
  private final StateStore store;
  private final Path logDirectory;
  private final RaftGroupService service;
  private final Node node;

  RaftGroup(
      GroupId id,
      GroupStateMachine<O> machine,
      StateStore store,
      Path logDirectory,
      RaftGroupService service,
      Node node) {
    this.id = id;
    this.machine = machine;
    this.store = store;
    this.logDirectory = logDirectory;
    this.service = service;
    this.node = node;
  }

  public GroupId id() {
    return id;
  }

  /** Sets the one who hears of this server's leadership; at once if it leads already. */
  public void listen(LeadershipListener listener) {
    machine.listen(listener);
  }

  /** The rows as far as they are applied here. Linearizable only behind {@link #readBarrier}. */
  public View rows() {
    return store;
  }

  /** The rows as they are now; see {@link #rows}. The caller closes them. */
  public StateStore.FrozenRows freezeRows() {
    return store.freeze();
  }

  /**
   * Puts an entry into the log.
   *
   * @param term in which it was made up; in another it is refused, so that nothing which an old
   *     leader chose (an id, a plan) is carried out behind a new leader's back
   * @return the state machine's answer once a majority has the entry on disk and it is applied
   *     here. Fails with {@link NotLeaderException}: whether it will be applied is open
   */
  public CompletableFuture<O> propose(LogEntry entry, long term) {
    Proposal<O> proposal = new Proposal<>(entry);
    node.apply(new Task(ByteBuffer.wrap(entry.toByteArray()), proposal, term));
    return proposal.outcome();
  }

  /**
   * Completes when every change that was acknowledged before the call is in {@link #rows}: a read
   * that follows is linearizable (read-index of the Raft dissertation, section 6.4). The leader of
   * a group without other members need not ask anybody: what it has acknowledged it has applied.
   */
  public CompletableFuture<@Nullable Void> readBarrier() {
    if (machine.isLeader() && isAlone()) {
      return CompletableFuture.completedFuture(null);
    }
    CompletableFuture<@Nullable Void> passed = new CompletableFuture<>();
    node.readIndex(
        NO_CONTEXT,
        new ReadIndexClosure() {
          @Override
          public void run(Status status, long index, byte[] context) {
            if (status.isOk()) {
              passed.complete(null);
            } else if (node.isLeader(false)) {
              passed.completeExceptionally(
                  new RefusedException(Refusal.BUSY, "no majority confirms the leader"));
            } else {
              passed.completeExceptionally(new NotLeaderException(null));
            }
          }
        });
    return passed;
  }

  private boolean isAlone() {
    try {
      return node.listPeers().size() == 1;
    } catch (IllegalStateException e) {
      return false; // not the leader, after all
    }
  }

  /** Where the leader's raft listens, as far as it is known here. */
  public Optional<HostPort> leader() {
    PeerId leader = node.getLeaderId();
    return leader == null || leader.isEmpty()
        ? Optional.empty()
        : Optional.of(new HostPort(leader.getIp(), leader.getPort()));
  }

  /** Where this replica stands now. */
  public GroupPosition position() {
    return new GroupPosition(
        machine.isLeader(),
        machine.newestTerm(),
        node.getLastLogIndex(),
        node.getLastCommittedIndex(),
        node.getLastAppliedLogIndex());
  }

  /** Bytes of the log's files on disk. */
  public long logBytes() {
    long bytes = 0;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(logDirectory)) {
      for (Path file : files) {
        bytes += bytesOf(file);
      }
    } catch (IOException e) {
      return 0; // the group is just being closed
    }
    return bytes;
  }

  private static long bytesOf(Path file) throws IOException {
    try {
      return Files.size(file);
    } catch (NoSuchFileException e) {
      return 0; // truncated meanwhile
    }
  }

  /** What the rows take, in memory and on disk. */
  public StateStore.Figures figures() {
    return store.figures();
  }

  /** Asks JRaft for a snapshot now; the log before it can go. */
  public CompletableFuture<Boolean> snapshot() {
    CompletableFuture<Boolean> done = new CompletableFuture<>();
    node.snapshot(status -> done.complete(status.isOk()));
    return done;
  }

  @Override
  public void close() {
    service.shutdown();
    try {
      service.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    store.close();
  }
}

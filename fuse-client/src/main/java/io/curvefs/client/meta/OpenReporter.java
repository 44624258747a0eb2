package io.curvefs.client.meta;

import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.proto.KeepOpenReply;
import io.curvefs.proto.KeepOpenRequest;
import io.curvefs.proto.OpenInode;
import io.curvefs.proto.Target;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.LeaderClient;
import io.curvefs.rpc.RpcMethod;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the leader of each group that the session has used what it holds open: closes with every
 * beat, and what is held without having asked; everything to a leader that is new. One thread,
 * except for {@link #used} and {@link #tellHeld}.
 */
final class OpenReporter {
  private static final Logger log = LoggerFactory.getLogger(OpenReporter.class);

  /** For all groups together: the lease must not run out over groups that are silent. */
  private static final Duration TELL_MAX = Duration.ofSeconds(5);

  private final LeaderClient leaders;
  private final Routes routes;
  private final OpenFiles files;
  private final MetaRequests requests;

  /** Groups in which the session is or may be admitted: their leaders wait for our word. */
  private final Set<GroupId> groups = ConcurrentHashMap.newKeySet();

  /** The term of the leader that knows all we hold open in this session. */
  private final Map<GroupId, Long> told = new HashMap<>();

  private @Nullable SessionId toldSession;

  OpenReporter(LeaderClient leaders, Routes routes, OpenFiles files, MetaRequests requests) {
    this.leaders = leaders;
    this.routes = routes;
    this.files = files;
    this.requests = requests;
  }

  void used(GroupId group) {
    groups.add(group);
  }

  void report(SessionKeeper.ClientSession session) {
    if (!session.id.equals(toldSession)) {
      told.clear();
      toldSession = session.id;
    }
    Map<GroupId, List<OpenInode>> closed = byGroup(files.takeClosed());
    List<OpenInode> known = new ArrayList<>();
    List<OpenInode> held = files.tellHeld();
    try {
      report(session, closed, byGroup(held), known);
    } finally {
      files.told(known);
    }
  }

  /**
   * @param known takes those of {@code held} that their leaders know now
   */
  private void report(
      SessionKeeper.ClientSession session,
      Map<GroupId, List<OpenInode>> closed,
      Map<GroupId, List<OpenInode>> held,
      List<OpenInode> known) {
    Deadline deadline = Deadline.in(TELL_MAX);
    Map<GroupId, CompletableFuture<KeepOpenReply>> asked = new HashMap<>();
    for (GroupId group : groups) {
      KeepOpenRequest.Builder request =
          request(session, group)
              .addAllOpened(held.getOrDefault(group, List.of()))
              .addAllClosed(closed.getOrDefault(group, List.of()));
      asked.put(group, ask(group, request, deadline));
    }
    asked.forEach(
        (group, answer) -> {
          try {
            KeepOpenReply reply = Answers.await(answer);
            if (reply.getSendWhole()) {
              reply = Answers.await(ask(group, whole(session, group), deadline));
            }
            told.put(group, reply.getTerm());
            known.addAll(held.getOrDefault(group, List.of()));
          } catch (RefusedException e) {
            files.closedUntold(closed.getOrDefault(group, List.of()));
            log.debug("group {} does not hear what is open: {}", group, e.getMessage());
          }
        });
  }

  /**
   * Returns when the leaders know of all that is held open; any thread.
   *
   * @throws RefusedException when a leader could not be told
   */
  void tellHeld(SessionKeeper.ClientSession session, Deadline deadline) throws RefusedException {
    List<OpenInode> known = new ArrayList<>();
    List<OpenInode> held = files.tellHeld();
    try {
      for (Map.Entry<GroupId, List<OpenInode>> group : byGroup(held).entrySet()) {
        KeepOpenRequest.Builder request =
            KeepOpenRequest.newBuilder()
                .setTarget(target(session, group.getKey()))
                .addAllOpened(group.getValue());
        Answers.await(ask(group.getKey(), request, deadline));
        known.addAll(group.getValue());
      }
    } finally {
      files.told(known);
    }
  }

  private Map<GroupId, List<OpenInode>> byGroup(List<OpenInode> inodes) {
    Map<GroupId, List<OpenInode>> byGroup = new HashMap<>();
    for (OpenInode inode : inodes) {
      try {
        byGroup
            .computeIfAbsent(routes.groupOf(new InodeId(inode.getInode())), g -> new ArrayList<>())
            .add(inode);
      } catch (RefusedException e) {
        log.debug("inode {} has no group any more", inode.getInode());
      }
    }
    return byGroup;
  }

  private KeepOpenRequest.Builder request(SessionKeeper.ClientSession session, GroupId group) {
    return KeepOpenRequest.newBuilder()
        .setTarget(target(session, group))
        .setTerm(told.getOrDefault(group, 0L));
  }

  private Target.Builder target(SessionKeeper.ClientSession session, GroupId group) {
    return Target.newBuilder()
        .setGroup(group.value())
        .setFileSystem(routes.fileSystem().getId())
        .setSession(session.id.value());
  }

  private KeepOpenRequest.Builder whole(SessionKeeper.ClientSession session, GroupId group) {
    OpenFiles.Whole whole = files.whole();
    return request(session, group)
        .addAllOpened(byGroup(whole.opened()).getOrDefault(group, List.of()))
        .setWhole(true)
        .setUpTo(whole.upTo());
  }

  private CompletableFuture<KeepOpenReply> ask(
      GroupId group, KeepOpenRequest.Builder request, Deadline deadline) {
    return requests.send(
        MetaRequests.Kind.KEEP_OPEN,
        () ->
            leaders.call(
                group, RpcMethod.KEEP_OPEN, request.build(), KeepOpenReply.class, deadline));
  }
}

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
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the leader of each group that the session has used what it holds open: closes with every
 * beat, everything to a leader that is new. One thread, except for {@link #used}.
 */
final class OpenReporter {
  private static final Logger log = LoggerFactory.getLogger(OpenReporter.class);
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
    for (GroupId group : groups) {
      List<OpenInode> ours = closed.getOrDefault(group, List.of());
      try {
        tell(session, group, ours);
      } catch (RefusedException e) {
        files.untold(ours);
        log.debug("group {} does not hear what is open: {}", group, e.getMessage());
      }
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

  private void tell(SessionKeeper.ClientSession session, GroupId group, List<OpenInode> closed)
      throws RefusedException {
    KeepOpenRequest.Builder request =
        KeepOpenRequest.newBuilder()
            .setTarget(
                Target.newBuilder()
                    .setGroup(group.value())
                    .setFileSystem(routes.fileSystem().getId())
                    .setSession(session.id.value()))
            .setTerm(told.getOrDefault(group, 0L))
            .addAllClosed(closed);
    KeepOpenReply reply = ask(group, request);
    if (reply.getSendWhole()) {
      OpenFiles.Whole whole = files.whole();
      List<OpenInode> ours = byGroup(whole.opened()).getOrDefault(group, List.of());
      reply =
          ask(group, request.clearClosed().addAllOpened(ours).setWhole(true).setUpTo(whole.upTo()));
    }
    told.put(group, reply.getTerm());
  }

  private KeepOpenReply ask(GroupId group, KeepOpenRequest.Builder request)
      throws RefusedException {
    requests.count(MetaRequests.Kind.KEEP_OPEN);
    return Answers.await(
        leaders.call(
            group,
            RpcMethod.KEEP_OPEN,
            request.build(),
            KeepOpenReply.class,
            Deadline.in(TELL_MAX)));
  }
}

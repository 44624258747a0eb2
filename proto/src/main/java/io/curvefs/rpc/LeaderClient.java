package io.curvefs.rpc;

import com.google.protobuf.MessageLite;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.proto.ServerInfo;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Asks the leader of a raft group, whichever server that is: remembers it, follows hints, tries the
 * other members, until it answers or the deadline passes. Requests may arrive more than once.
 * Thread-safe.
 */
public final class LeaderClient {
  /** One attempt; a leader that died without closing its connections costs this much once. */
  private static final Duration ATTEMPT_MAX = Duration.ofSeconds(4);

  private static final int PAUSE_MILLIS_MIN = 5;
  private static final int PAUSE_MILLIS_MAX = 200;

  private final RpcClient rpc;
  private final Function<GroupId, List<HostPort>> members;
  private final ScheduledExecutorService timer;
  private final Map<GroupId, HostPort> leaders = new ConcurrentHashMap<>();

  /**
   * @param members addresses of a group's servers as far as they are known now; may be empty
   * @param timer for pauses between attempts; runs short tasks only
   */
  public LeaderClient(
      RpcClient rpc, Function<GroupId, List<HostPort>> members, ScheduledExecutorService timer) {
    this.rpc = rpc;
    this.members = members;
    this.timer = timer;
  }

  /**
   * Asks until there is an answer.
   *
   * @return the reply. Fails with a {@link RefusedException}: what the leader refused with, or
   *     UNREACHABLE or TIMED_OUT when none answered in time
   */
  public <T extends MessageLite> CompletableFuture<T> call(
      GroupId group, RpcMethod method, MessageLite request, Class<T> replyType, Deadline deadline) {
    CompletableFuture<T> result = new CompletableFuture<>();
    new Call<>(group, method, request, replyType, deadline, result).attempt();
    return result;
  }

  private final class Call<T extends MessageLite> {
    private final GroupId group;
    private final RpcMethod method;
    private final MessageLite request;
    private final Class<T> replyType;
    private final Deadline deadline;
    private final CompletableFuture<T> result;
    private int attempts;

    Call(
        GroupId group,
        RpcMethod method,
        MessageLite request,
        Class<T> replyType,
        Deadline deadline,
        CompletableFuture<T> result) {
      this.group = group;
      this.method = method;
      this.request = request;
      this.replyType = replyType;
      this.deadline = deadline;
      this.result = result;
    }

    void attempt() {
      List<HostPort> known = members.apply(group);
      HostPort leader = leaders.get(group);
      if (leader == null && known.isEmpty()) {
        pauseThenAttempt(
            new RefusedException(Refusal.UNREACHABLE, "no server of group " + group + " is known"));
        return;
      }
      HostPort target = leader != null ? leader : known.get(attempts % known.size());
      rpc.call(target, method, request, replyType, deadline.leftAtMost(ATTEMPT_MAX))
          .whenComplete(
              (reply, failure) -> {
                if (failure == null) {
                  leaders.putIfAbsent(group, target);
                  result.complete(reply);
                } else {
                  failed(target, RefusalReply.unwrap(failure));
                }
              });
    }

    private void failed(HostPort target, Throwable failure) {
      if (failure instanceof NotLeaderException notLeader) {
        leaders.remove(group, target);
        Optional<HostPort> hint = notLeader.leader().map(LeaderClient::address);
        if (hint.isPresent() && !hint.get().equals(target)) {
          leaders.put(group, hint.get());
          if (attempts < 2) {
            attempts++;
            attempt();
            return;
          }
        }
        pauseThenAttempt(
            new RefusedException(Refusal.UNREACHABLE, "group " + group + " has no leader"));
      } else if (failure instanceof RefusedException refused) {
        switch (refused.refusal()) {
          case UNREACHABLE, TIMED_OUT -> {
            leaders.remove(group, target);
            pauseThenAttempt(refused);
          }
          case BUSY -> pauseThenAttempt(refused);
          default -> result.completeExceptionally(refused);
        }
      } else {
        result.completeExceptionally(failure);
      }
    }

    private void pauseThenAttempt(RefusedException last) {
      attempts++;
      int pause = Math.min(PAUSE_MILLIS_MAX, PAUSE_MILLIS_MIN << Math.min(attempts, 10));
      if (deadline.left().toMillis() <= pause) {
        result.completeExceptionally(last);
        return;
      }
      timer.schedule(this::attempt, pause, TimeUnit.MILLISECONDS);
    }
  }

  /** Where a server listens for requests. */
  public static HostPort address(ServerInfo server) {
    return new HostPort(server.getHost(), server.getPort());
  }
}

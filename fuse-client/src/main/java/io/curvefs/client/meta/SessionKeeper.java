package io.curvefs.client.meta;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.id.SessionId;
import io.curvefs.proto.CloseSessionRequest;
import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.GetRouting;
import io.curvefs.proto.HeartbeatRequest;
import io.curvefs.proto.OpenSessionRequest;
import io.curvefs.proto.Routing;
import io.curvefs.proto.Session;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.LeaderClient;
import io.curvefs.rpc.RpcMethod;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the mount registered with the coordinator. While the lease runs the session is current.
 * Once it may have run out, nothing is sent until there is a new session: whoever asks waits for
 * it, within a bound. Thread-safe.
 */
final class SessionKeeper implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SessionKeeper.class);

  /** Beats in the time of one lease: several may be lost. */
  private static final int BEATS_PER_LEASE = 5;

  /**
   * How far before its end we take the lease for lost: the answer to a beat is older than it looks.
   */
  private static final double LEASE_SHARE = 0.9;

  private static final Duration BEAT_MAX = Duration.ofSeconds(8);

  private final LeaderClient leaders;
  private final Routes routes;
  private final CacheServers cacheServers;
  private final MetaRequests requests;
  private final String fileSystem;
  private final Session description;
  private final Runnable onBeat;
  private final ScheduledExecutorService thread;

  @GuardedBy("this")
  private @Nullable ClientSession current;

  @GuardedBy("this")
  private boolean closed;

  /** A registration: what requests are made with. */
  static final class ClientSession {
    final SessionId id;
    private final Duration lease;
    private final Map<GroupId, Slots> slots = new ConcurrentHashMap<>();
    private volatile long leaseEnd;

    ClientSession(SessionId id, Duration lease, long askedAt) {
      this.id = id;
      this.lease = lease;
      renewed(askedAt);
    }

    /** The lease began anew at the latest when the answered question was sent. */
    private void renewed(long askedAt) {
      leaseEnd = askedAt + (long) (lease.toNanos() * LEASE_SHARE);
    }

    boolean isCurrent() {
      return leaseEnd - System.nanoTime() > 0;
    }

    Slots slots(GroupId group) {
      return slots.computeIfAbsent(group, g -> new Slots());
    }
  }

  /**
   * @param onBeat called after each answered beat, on the keeper's thread
   * @param thread of its own; closed with this
   */
  SessionKeeper(
      LeaderClient leaders,
      Routes routes,
      CacheServers cacheServers,
      MetaRequests requests,
      String fileSystem,
      Session description,
      Runnable onBeat,
      ScheduledExecutorService thread) {
    this.leaders = leaders;
    this.routes = routes;
    this.cacheServers = cacheServers;
    this.requests = requests;
    this.fileSystem = fileSystem;
    this.description = description;
    this.onBeat = onBeat;
    this.thread = thread;
  }

  /** Registers for the first time and begins to beat. */
  void start(Deadline deadline) throws RefusedException {
    refreshRouting(deadline);
    ClientSession session = register(deadline);
    long period = session.lease.toMillis() / BEATS_PER_LEASE;
    thread.scheduleWithFixedDelay(this::beat, period, period, TimeUnit.MILLISECONDS);
  }

  private void refreshRouting(Deadline deadline) throws RefusedException {
    Routing latest =
        ask(
                CoordinateRequest.newBuilder()
                    .setGetRouting(GetRouting.newBuilder().setFileSystem(fileSystem)),
                deadline)
            .getRouting();
    routes.update(latest);
    cacheServers.update(latest.getCacheCluster());
  }

  private ClientSession register(Deadline deadline) throws RefusedException {
    long askedAt = System.nanoTime();
    CoordinateReply reply =
        ask(
            CoordinateRequest.newBuilder()
                .setOpenSession(
                    OpenSessionRequest.newBuilder()
                        .setFileSystem(fileSystem)
                        .setSession(description)),
            deadline);
    ClientSession session =
        new ClientSession(
            new SessionId(reply.getSession()), Duration.ofMillis(reply.getLeaseMillis()), askedAt);
    synchronized (this) {
      current = session;
      notifyAll();
    }
    log.info("session {} of file system '{}'", session.id, fileSystem);
    return session;
  }

  /**
   * The session to make requests with.
   *
   * @throws RefusedException BUSY when the lease was lost and there is no new session by the
   *     deadline
   */
  synchronized ClientSession current(Deadline deadline) throws RefusedException {
    while (current == null || !current.isCurrent()) {
      long millis = deadline.left().toMillis();
      if (closed || millis <= 0) {
        throw new RefusedException(
            Refusal.BUSY, "the session with the metaservers at " + routes + " is lost");
      }
      try {
        wait(Math.max(1, millis));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new RefusedException(Refusal.EINTR);
      }
    }
    return current;
  }

  /** Whether this session's lease surely runs now. */
  synchronized boolean isCurrent(SessionId id) {
    return current != null && current.id.equals(id) && current.isCurrent();
  }

  /** The session of this id turned out to be over. */
  synchronized void lost(SessionId id) {
    if (current != null && current.id.equals(id)) {
      log.warn("session {} has expired; registering anew", id);
      current = null;
      thread.execute(this::beat);
    }
  }

  /** Beats soon rather than in its turn: there is something to tell. */
  void beatNow() {
    try {
      thread.execute(this::beat);
    } catch (RejectedExecutionException e) {
      // closed: the end of the session tells everything
    }
  }

  private void beat() {
    ClientSession session;
    synchronized (this) {
      if (closed) {
        return;
      }
      session = current;
    }
    try {
      if (session == null) {
        refreshRouting(Deadline.in(BEAT_MAX));
        register(Deadline.in(BEAT_MAX));
        onBeat.run();
        return;
      }
      long askedAt = System.nanoTime();
      CoordinateReply reply =
          ask(
              CoordinateRequest.newBuilder()
                  .setHeartbeat(
                      HeartbeatRequest.newBuilder()
                          .setSession(session.id.value())
                          .setRoutingEpoch(routes.epoch())),
              Deadline.in(BEAT_MAX));
      session.renewed(askedAt);
      synchronized (this) {
        notifyAll();
      }
      if (reply.getRoutingEpoch() != routes.epoch()) {
        refreshRouting(Deadline.in(BEAT_MAX));
      }
      onBeat.run();
    } catch (RefusedException e) {
      if (e.refusal() == Refusal.SESSION_EXPIRED && session != null) {
        lost(session.id);
      } else {
        log.warn("no answer to a heartbeat: {}", e.getMessage());
      }
    } catch (RuntimeException e) {
      log.error("a heartbeat failed", e);
    }
  }

  private CoordinateReply ask(CoordinateRequest.Builder request, Deadline deadline)
      throws RefusedException {
    return Answers.await(
        requests.send(
            request.getKindCase(),
            () ->
                leaders.call(
                    Routes.COORDINATOR,
                    RpcMethod.COORDINATE,
                    request.build(),
                    CoordinateReply.class,
                    deadline)));
  }

  /** Ends the session, so that nobody has to wait for its lease to run out. */
  @Override
  public void close() {
    ClientSession session;
    synchronized (this) {
      closed = true;
      session = current;
      notifyAll();
    }
    thread.shutdownNow();
    if (session != null) {
      try {
        ask(
            CoordinateRequest.newBuilder()
                .setCloseSession(CloseSessionRequest.newBuilder().setSession(session.id.value())),
            Deadline.in(Duration.ofSeconds(3)));
      } catch (RefusedException e) {
        log.info("session {} will end by itself: {}", session.id, e.getMessage());
      }
    }
  }
}

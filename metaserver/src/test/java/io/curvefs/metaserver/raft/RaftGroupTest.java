package io.curvefs.metaserver.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.id.GroupId;
import io.curvefs.metaserver.store.Replica;
import io.curvefs.metaserver.store.StoreResources;
import io.curvefs.proto.AdmitSession;
import io.curvefs.proto.LogEntry;
import io.curvefs.rpc.HostPort;
import io.curvefs.rpc.NotLeaderException;
import io.curvefs.rpc.testing.FreePorts;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class RaftGroupTest {
  private static final byte[] SUM = {0x77};
  private static final RaftSettings SETTINGS = new RaftSettings(500, 3600, 0);

  @TempDir Path directory;

  private final StoreResources resources = new StoreResources(16 << 20, 16 << 20);
  private final List<Server> servers = new ArrayList<>();

  /** Adds up the numbers of its entries: shows any that is lost or applied twice. */
  private static final Replica<Long> ADDER =
      (entry, index, rows) -> {
        byte[] stored = rows.get(SUM);
        long sum =
            (stored == null ? 0 : ByteBuffer.wrap(stored).getLong())
                + entry.getAdmitSession().getSession();
        rows.put(SUM, ByteBuffer.allocate(8).putLong(sum).array());
        return sum;
      };

  private static LogEntry add(int number) {
    return LogEntry.newBuilder()
        .setAdmitSession(AdmitSession.newBuilder().setSession(number))
        .build();
  }

  /** One server's replica of the one group. */
  private final class Server {
    final HostPort address;
    final AtomicLong term = new AtomicLong(-1);
    RaftHost host;
    RaftGroup<Long> group;

    Server(HostPort address) {
      this.address = address;
    }

    void start(List<HostPort> members) throws Exception {
      host = RaftHost.start(address, "test", resources, SETTINGS);
      group =
          host.startGroup(
              new GroupId(1),
              directory.resolve("server-" + address.port()),
              members,
              ADDER,
              kind -> {});
      group.listen(
          new LeadershipListener() {
            @Override
            public void started(long started) {
              term.set(started);
            }

            @Override
            public void stopped() {
              term.set(-1);
            }
          });
    }

    void stop() {
      term.set(-1);
      group.close();
      host.close();
    }
  }

  private List<HostPort> start(int count) throws Exception {
    List<HostPort> members = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      members.add(new HostPort("127.0.0.1", FreePorts.one()));
    }
    for (HostPort member : members) {
      Server server = new Server(member);
      server.start(members);
      servers.add(server);
    }
    return members;
  }

  private Server leader() {
    while (true) {
      for (Server server : servers) {
        if (server.term.get() >= 0) {
          return server;
        }
      }
      Thread.onSpinWait();
    }
  }

  private static long sum(Server server) {
    byte[] stored = server.group.rows().get(SUM);
    return stored == null ? 0 : ByteBuffer.wrap(stored).getLong();
  }

  @AfterEach
  void stop() {
    servers.forEach(Server::stop);
    resources.close();
  }

  @Test
  void an_entry_is_applied_and_read_back_behind_a_barrier() throws Exception {
    start(1);
    Server server = leader();

    assertThat(server.group.propose(add(5), server.term.get()).get(10, TimeUnit.SECONDS))
        .isEqualTo(5);
    server.group.readBarrier().get(10, TimeUnit.SECONDS);
    assertThat(sum(server)).isEqualTo(5);
  }

  @Test
  void an_entry_of_another_term_is_refused() throws Exception {
    start(1);
    Server server = leader();

    assertThatThrownBy(() -> server.group.propose(add(5), server.term.get() + 1).join())
        .hasCauseInstanceOf(NotLeaderException.class);
    assertThat(sum(server)).isZero();
  }

  @Test
  void a_restart_keeps_every_entry_exactly_once_with_and_without_a_snapshot() throws Exception {
    List<HostPort> members = start(1);
    long expected = 0;
    for (int round = 1; round <= 3; round++) {
      Server server = leader();
      List<CompletableFuture<Long>> sums = new ArrayList<>();
      for (int i = 1; i <= 100; i++) {
        sums.add(server.group.propose(add(i), server.term.get()));
        expected += i;
      }
      for (CompletableFuture<Long> sum : sums) {
        sum.get(10, TimeUnit.SECONDS);
      }
      if (round == 2) {
        assertThat(server.group.snapshot().get(10, TimeUnit.SECONDS)).isTrue();
      }
      server.stop();
      server.start(members);
    }
    Server server = leader();
    server.group.readBarrier().get(10, TimeUnit.SECONDS);

    assertThat(sum(server)).isEqualTo(expected);
  }

  @Test
  void a_follower_that_was_wiped_gets_the_leaders_snapshot() throws Exception {
    List<HostPort> members = start(3);
    Server leader = leader();
    for (int i = 1; i <= 50; i++) {
      leader.group.propose(add(i), leader.term.get()).get(10, TimeUnit.SECONDS);
    }
    Server follower = servers.stream().filter(s -> s != leader).findFirst().orElseThrow();
    follower.stop();
    for (int snapshot = 0; snapshot < 2; snapshot++) { // JRaft keeps the log up to the one before
      leader.group.propose(add(1), leader.term.get()).get(10, TimeUnit.SECONDS);
      assertThat(leader.group.snapshot().get(10, TimeUnit.SECONDS)).isTrue();
    }
    Path wiped = directory.resolve("server-" + follower.address.port());
    Files.move(wiped, directory.resolve("away"));

    follower.start(members);
    long expected = 50 * 51 / 2 + 2;
    while (sum(follower) != expected) {
      Thread.onSpinWait();
    }
    assertThat(sum(follower)).isEqualTo(expected);
  }

  @Test
  void a_new_leader_has_everything_that_was_acknowledged() throws Exception {
    start(3);
    Server first = leader();
    for (int i = 1; i <= 50; i++) {
      first.group.propose(add(i), first.term.get()).get(10, TimeUnit.SECONDS);
    }
    first.stop();
    servers.remove(first);

    Server second = leader();
    second.group.readBarrier().get(20, TimeUnit.SECONDS);
    assertThat(sum(second)).isEqualTo(50 * 51 / 2);
  }
}

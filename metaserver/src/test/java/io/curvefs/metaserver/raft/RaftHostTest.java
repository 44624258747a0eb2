package io.curvefs.metaserver.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.metaserver.store.StoreResources;
import io.curvefs.rpc.HostPort;
import io.curvefs.rpc.testing.FreePorts;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RaftHostTest {
  private final HostPort address = new HostPort("127.0.0.1", FreePorts.one());
  private final StoreResources resources = new StoreResources(16 << 20, 16 << 20);

  @AfterEach
  void close() {
    resources.close();
  }

  private RaftHost start() throws IOException {
    return RaftHost.start(address, "test", resources, new RaftSettings(500, 3600, 0));
  }

  @Test
  void its_port_is_free_once_it_is_closed() throws Exception {
    for (int round = 0; round < 100; round++) {
      start().close();
    }
  }

  @Test
  void a_port_in_use_is_told_with_its_address() throws Exception {
    try (ServerSocket taken =
        new ServerSocket(address.port(), 1, InetAddress.getByName(address.host()))) {
      assertThatThrownBy(this::start)
          .isInstanceOf(IOException.class)
          .hasMessage("cannot listen for raft on " + address + ": is it in use?");
      assertThat(taken.isBound()).isTrue();
    }
  }
}

package io.curvefs.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.proto.HelloReply;
import io.curvefs.proto.HelloRequest;
import io.curvefs.proto.ReadReply;
import io.curvefs.proto.ReadRequest;
import io.curvefs.proto.ServerInfo;
import io.curvefs.rpc.testing.FreePorts;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class RpcTest {
  private static final Duration LONG = Duration.ofSeconds(10);

  private final AtomicReference<RpcHandler> handler = new AtomicReference<>();
  private RpcServer server;
  private RpcClient client;
  private HostPort address;

  @BeforeEach
  void start() throws IOException {
    server =
        RpcServer.start(
            new HostPort("127.0.0.1", 0), 1, (m, r, d) -> handler.get().handle(m, r, d));
    client = new RpcClient(1);
    address = new HostPort("127.0.0.1", server.port());
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private CompletableFuture<HelloReply> hello(Duration timeout) {
    return client.call(
        address, RpcMethod.HELLO, HelloRequest.getDefaultInstance(), HelloReply.class, timeout);
  }

  private static RpcHandler answering(MessageLite reply) {
    return (method, request, deadline) -> CompletableFuture.completedFuture(reply);
  }

  private static RpcHandler failing(Throwable failure) {
    return (method, request, deadline) -> CompletableFuture.failedFuture(failure);
  }

  private static Refusal refusalOf(CompletableFuture<?> call) {
    try {
      call.join();
      throw new AssertionError("was answered");
    } catch (CompletionException e) {
      return ((RefusedException) e.getCause()).refusal();
    }
  }

  @Test
  void a_request_is_answered() {
    handler.set(answering(HelloReply.newBuilder().setClusterUuid("u").build()));

    assertThat(hello(LONG).join().getClusterUuid()).isEqualTo("u");
  }

  @Test
  void many_requests_on_one_connection_each_get_their_own_answer() {
    handler.set(
        (method, request, deadline) -> {
          ByteString name = ((ReadRequest) request).getLookup().getName();
          CompletableFuture<MessageLite> later = new CompletableFuture<>();
          new Thread(() -> later.complete(ReadReply.newBuilder().setValue(name).build())).start();
          return later;
        });
    List<CompletableFuture<ReadReply>> calls = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      ReadRequest.Builder request = ReadRequest.newBuilder();
      request.getLookupBuilder().setName(ByteString.copyFromUtf8("n" + i));
      calls.add(client.call(address, RpcMethod.READ, request.build(), ReadReply.class, LONG));
    }

    for (int i = 0; i < calls.size(); i++) {
      assertThat(calls.get(i).join().getValue().toStringUtf8()).isEqualTo("n" + i);
    }
  }

  @Test
  void a_refusal_arrives_with_its_reason_and_detail() {
    handler.set(failing(new RefusedException(Refusal.ENOTEMPTY, "not empty: x")));

    assertThatThrownBy(() -> hello(LONG).join())
        .hasCauseInstanceOf(RefusedException.class)
        .hasMessageContaining("not empty: x");
  }

  @Test
  void a_follower_names_the_leader() {
    handler.set(failing(new NotLeaderException(ServerInfo.newBuilder().setId(3).build())));

    assertThatThrownBy(() -> hello(LONG).join())
        .satisfies(
            failure ->
                assertThat(((NotLeaderException) failure.getCause()).leader().orElseThrow().getId())
                    .isEqualTo(3));
  }

  @Test
  void a_defect_of_the_server_is_an_internal_error_without_its_innards() {
    handler.set(failing(new IllegalStateException("secret")));

    assertThatThrownBy(() -> hello(LONG).join()).hasMessageNotContaining("secret");
    assertThat(refusalOf(hello(LONG))).isEqualTo(Refusal.INTERNAL);
  }

  @Test
  void a_server_that_does_not_answer_is_waited_for_no_longer_than_asked() {
    handler.set((method, request, deadline) -> new CompletableFuture<>());

    assertThat(refusalOf(hello(Duration.ofMillis(200)))).isEqualTo(Refusal.TIMED_OUT);
  }

  @Test
  void nobody_listening_is_told_at_once() throws IOException {
    address = new HostPort("127.0.0.1", FreePorts.one());

    assertThat(refusalOf(hello(LONG))).isEqualTo(Refusal.UNREACHABLE);
  }

  @Test
  void a_request_in_flight_fails_when_the_server_goes_and_the_next_one_reconnects()
      throws IOException {
    CompletableFuture<Void> arrived = new CompletableFuture<>();
    handler.set(
        (method, request, deadline) -> {
          arrived.complete(null);
          return new CompletableFuture<>();
        });
    CompletableFuture<HelloReply> inFlight = hello(LONG);
    arrived.join();

    server.close();
    assertThat(refusalOf(inFlight)).isEqualTo(Refusal.TIMED_OUT);

    handler.set(answering(HelloReply.getDefaultInstance()));
    server = RpcServer.start(address, 1, (m, r, d) -> handler.get().handle(m, r, d));
    assertThat(hello(LONG).join()).isNotNull();
  }

  @Test
  void addresses_are_read_as_people_write_them() {
    assertThat(HostPort.parse("h:1")).isEqualTo(new HostPort("h", 1));
    assertThat(HostPort.parse("[::1]:70").host()).isEqualTo("::1");
    assertThatThrownBy(() -> HostPort.parse("h")).hasMessageContaining("HOST:PORT");
    assertThatThrownBy(() -> HostPort.parse("h:99999")).hasMessageContaining("HOST:PORT");
  }
}

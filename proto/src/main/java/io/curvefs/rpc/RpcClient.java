package io.curvefs.rpc;

import com.google.protobuf.MessageLite;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelOption;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * Sends requests to any number of servers, one connection each, opened when first needed and again
 * after it broke. Thread-safe.
 */
public final class RpcClient implements AutoCloseable {
  private static final int CONNECT_MILLIS_MAX = 2_000;

  private final NioEventLoopGroup threads;
  private final Bootstrap bootstrap;
  private final ConcurrentHashMap<HostPort, RpcConnection> connections = new ConcurrentHashMap<>();

  public RpcClient(int ioThreads) {
    threads = new NioEventLoopGroup(ioThreads, new DefaultThreadFactory("rpc-client", true));
    bootstrap =
        new Bootstrap()
            .group(threads)
            .channel(NioSocketChannel.class)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS_MAX);
  }

  /**
   * Asks one server.
   *
   * @param replyType of the method; a programming error fails at the first call
   * @param timeout how long to wait at most
   * @return the reply. Fails with {@link io.curvefs.error.RefusedException}: TIMED_OUT when it may
   *     have been carried out, UNREACHABLE when it was not sent, or what the server refused with;
   *     or with {@link NotLeaderException}
   */
  public <T extends MessageLite> CompletableFuture<T> call(
      HostPort address,
      RpcMethod method,
      MessageLite request,
      Class<T> replyType,
      Duration timeout) {
    return connections
        .computeIfAbsent(address, a -> new RpcConnection(a, bootstrap))
        .call(method, request, timeout)
        .thenApply(replyType::cast);
  }

  @Override
  public void close() {
    connections.values().forEach(RpcConnection::close);
    threads.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }
}

package io.curvefs.rpc;

import com.google.protobuf.MessageLite;
import io.curvefs.error.RefusedException;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Listens for requests and hands them to one handler. Thread-safe. */
public final class RpcServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RpcServer.class);
  private static final int BACKLOG = 1024;

  private final NioEventLoopGroup acceptor;
  private final NioEventLoopGroup workers;
  private final Channel listening;

  private RpcServer(NioEventLoopGroup acceptor, NioEventLoopGroup workers, Channel listening) {
    this.acceptor = acceptor;
    this.workers = workers;
    this.listening = listening;
  }

  /**
   * Begins to listen.
   *
   * @throws IOException when the address cannot be had; the message names it
   */
  public static RpcServer start(HostPort address, int threads, RpcHandler handler)
      throws IOException {
    NioEventLoopGroup acceptor =
        new NioEventLoopGroup(1, new DefaultThreadFactory("rpc-accept", true));
    NioEventLoopGroup workers =
        new NioEventLoopGroup(threads, new DefaultThreadFactory("rpc-server", true));
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(acceptor, workers)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    FrameCodec.install(channel);
                    channel.pipeline().addLast(new Requests(handler));
                  }
                });
    try {
      Channel listening = bootstrap.bind(address.resolve()).sync().channel();
      return new RpcServer(acceptor, workers, listening);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while binding " + address, e);
    } catch (Exception e) { // sync() throws the bind failure, checked, undeclared
      acceptor.shutdownGracefully(0, 0, TimeUnit.SECONDS);
      workers.shutdownGracefully(0, 0, TimeUnit.SECONDS);
      throw new IOException(
          "cannot listen on " + address + " (" + e.getMessage() + "): is it in use?", e);
    }
  }

  /** The port it listens on. */
  public int port() {
    return ((InetSocketAddress) listening.localAddress()).getPort();
  }

  @Override
  public void close() {
    listening.close().syncUninterruptibly();
    acceptor.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
    workers.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }

  /** The requests of one connection. */
  private static final class Requests extends SimpleChannelInboundHandler<Frame> {
    private final RpcHandler handler;

    Requests(RpcHandler handler) {
      this.handler = handler;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, Frame request) {
      Deadline deadline = Deadline.in(Duration.ofMillis(request.timeoutMillis()));
      handler
          .handle(request.method(), request.body(), deadline)
          .whenComplete((reply, failure) -> answer(context, request, reply, failure));
    }

    private static void answer(
        ChannelHandlerContext context, Frame request, MessageLite reply, Throwable failure) {
      if (failure == null) {
        context.writeAndFlush(
            new Frame(request.id(), Frame.Kind.REPLY, request.method(), 0, reply));
        return;
      }
      Throwable cause = RefusalReply.unwrap(failure);
      if (!(cause instanceof RefusedException) && !(cause instanceof NotLeaderException)) {
        log.error("{} failed", request.method(), cause);
      }
      context.writeAndFlush(
          new Frame(
              request.id(),
              Frame.Kind.REFUSAL,
              request.method(),
              0,
              RefusalReply.toMessage(cause)));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      if (!(cause instanceof IOException)) {
        log.warn("closing the connection of {}", context.channel().remoteAddress(), cause);
      }
      context.close();
    }
  }
}

package io.curvefs.rpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.MessageLite;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.proto.RefusalMessage;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The connection to one server: connects when needed, pairs replies with requests. Thread-safe. */
final class RpcConnection {
  /** How late a time-out may be noticed. */
  private static final int SWEEP_MILLIS = 50;

  private final HostPort address;
  private final Bootstrap bootstrap;
  private final AtomicLong nextId = new AtomicLong();

  /** What is being connected or connected; null or failed: the next call connects anew. */
  @GuardedBy("this")
  private @Nullable ChannelFuture connecting;

  @GuardedBy("this")
  private boolean closed;

  RpcConnection(HostPort address, Bootstrap bootstrap) {
    this.address = address;
    this.bootstrap = bootstrap;
  }

  CompletableFuture<MessageLite> call(RpcMethod method, MessageLite request, Duration timeout) {
    CompletableFuture<MessageLite> reply = new CompletableFuture<>();
    long millis = timeout.toMillis();
    if (millis <= 0) {
      reply.completeExceptionally(
          new RefusedException(Refusal.UNREACHABLE, "no time left to ask " + address));
      return reply;
    }
    Frame frame =
        new Frame(
            nextId.incrementAndGet(),
            Frame.Kind.REQUEST,
            method,
            (int) Math.min(millis, Integer.MAX_VALUE),
            request);
    ChannelFuture channel = channel();
    channel.addListener(
        done -> {
          if (done.isSuccess()) {
            send(channel.channel(), frame, reply);
          } else {
            reply.completeExceptionally(unreachable(done.cause()));
          }
        });
    return reply;
  }

  private synchronized ChannelFuture channel() {
    if (closed) {
      throw new IllegalStateException("closed");
    }
    ChannelFuture current = connecting;
    boolean usable =
        current != null
            && (!current.isDone() || (current.isSuccess() && current.channel().isActive()));
    if (current == null || !usable) {
      current =
          bootstrap
              .clone()
              .handler(
                  new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                      FrameCodec.install(channel);
                      channel.pipeline().addLast(new Replies());
                    }
                  })
              .connect(address.resolve());
      connecting = current;
    }
    return current;
  }

  private void send(Channel channel, Frame frame, CompletableFuture<MessageLite> reply) {
    Replies replies = channel.pipeline().get(Replies.class);
    if (replies == null) {
      reply.completeExceptionally(unreachable(null));
      return;
    }
    Deadline deadline = Deadline.in(Duration.ofMillis(frame.timeoutMillis()));
    replies.waiting.put(frame.id(), new Waiting(reply, deadline));
    channel.writeAndFlush(frame);
    if (!channel.isActive()) {
      replies.failAll(); // it broke before the reply was registered
    }
  }

  private RefusedException unreachable(@Nullable Throwable cause) {
    String why = cause == null ? "" : " (" + cause.getMessage() + ")";
    return new RefusedException(
        Refusal.UNREACHABLE, "no metaserver answers at " + address + why + ": is it running?");
  }

  synchronized void close() {
    closed = true;
    if (connecting != null) {
      connecting.channel().close();
    }
  }

  private record Waiting(CompletableFuture<MessageLite> reply, Deadline deadline) {}

  /** Requests of one connection that wait for their replies. */
  private final class Replies extends SimpleChannelInboundHandler<Frame> {
    final ConcurrentHashMap<Long, Waiting> waiting = new ConcurrentHashMap<>();
    private @Nullable Future<?> sweep;

    @Override
    public void channelActive(ChannelHandlerContext context) {
      sweep =
          context
              .executor()
              .scheduleAtFixedRate(
                  this::failOverdue, SWEEP_MILLIS, SWEEP_MILLIS, TimeUnit.MILLISECONDS);
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, Frame frame) {
      Waiting asked = waiting.remove(frame.id());
      if (asked == null) {
        return; // came too late
      }
      if (frame.body() instanceof RefusalMessage refusal) {
        asked.reply.completeExceptionally(RefusalReply.toException(refusal));
      } else {
        asked.reply.complete(frame.body());
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      if (sweep != null) {
        sweep.cancel(false);
      }
      failAll();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close();
    }

    private void failOverdue() {
      waiting.forEach(
          (id, asked) -> {
            if (asked.deadline.hasPassed()) {
              fail(id, "no answer from " + address + " in time");
            }
          });
    }

    /** Sent requests may have been carried out before the connection broke. */
    void failAll() {
      for (Long id : waiting.keySet()) {
        fail(id, "the connection to " + address + " broke");
      }
    }

    private void fail(Long id, String why) {
      Waiting asked = waiting.remove(id);
      if (asked != null) {
        asked.reply.completeExceptionally(new RefusedException(Refusal.TIMED_OUT, why));
      }
    }
  }
}

package io.curvefs.rpc;

import io.curvefs.proto.RefusalMessage;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.flush.FlushConsolidationHandler;

/** Turns bytes into {@link Frame}s and back. One per connection. */
final class FrameCodec extends ChannelDuplexHandler {
  /** Flushes that are put off while a connection is being read: many replies, one system call. */
  private static final int FLUSHES_CONSOLIDATED = 256;

  static void install(Channel channel) {
    channel.config().setOption(ChannelOption.TCP_NODELAY, true);
    channel
        .pipeline()
        .addLast(new FlushConsolidationHandler(FLUSHES_CONSOLIDATED, true))
        .addLast(new LengthFieldBasedFrameDecoder(Frame.BYTES_MAX, 0, 4, 0, 4))
        .addLast(new FrameCodec());
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
    ByteBuf in = (ByteBuf) message;
    try {
      context.fireChannelRead(Frame.decode(in, RefusalMessage.parser()));
    } finally {
      in.release();
    }
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    context.write(((Frame) message).encode(context.alloc()), promise);
  }
}

package io.curvefs.rpc;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * One message on the wire: {@code length u32 | id u64 | kind u8 | method u8 | timeout millis u32 |
 * protobuf}. The length counts what follows it.
 *
 * @param id pairs a reply with its request within one connection
 * @param timeoutMillis how long the asker waits; requests only
 */
record Frame(long id, Kind kind, RpcMethod method, int timeoutMillis, MessageLite body) {
  enum Kind {
    REQUEST(0),
    REPLY(1),
    REFUSAL(2);

    private final int number;

    Kind(int number) {
      this.number = number;
    }

    static Kind ofNumber(int number) {
      return switch (number) {
        case 0 -> REQUEST;
        case 1 -> REPLY;
        case 2 -> REFUSAL;
        default -> throw new IllegalArgumentException("unknown frame kind " + number);
      };
    }
  }

  /** Longer frames are refused: nothing that is asked for comes near. */
  static final int BYTES_MAX = 32 << 20;

  private static final int HEADER_BYTES = 8 + 1 + 1 + 4;

  ByteBuf encode(ByteBufAllocator allocator) {
    int bodyBytes = body.getSerializedSize();
    ByteBuf out = allocator.ioBuffer(4 + HEADER_BYTES + bodyBytes);
    out.writeInt(HEADER_BYTES + bodyBytes);
    out.writeLong(id);
    out.writeByte(kind.number);
    out.writeByte(method.number());
    out.writeInt(timeoutMillis);
    try {
      CodedOutputStream coded =
          CodedOutputStream.newInstance(out.nioBuffer(out.writerIndex(), bodyBytes));
      body.writeTo(coded);
      coded.flush();
    } catch (IOException e) {
      out.release();
      throw new UncheckedIOException(e); // the size was computed by the same message
    }
    out.writerIndex(out.writerIndex() + bodyBytes);
    return out;
  }

  /** Reads a frame whose length field is already cut off. */
  static Frame decode(ByteBuf in, Parser<? extends MessageLite> refusals)
      throws InvalidProtocolBufferException {
    long id = in.readLong();
    Kind kind = Kind.ofNumber(in.readByte());
    RpcMethod method = RpcMethod.ofNumber(in.readByte());
    int timeoutMillis = in.readInt();
    Parser<? extends MessageLite> parser =
        switch (kind) {
          case REQUEST -> method.requests();
          case REPLY -> method.replies();
          case REFUSAL -> refusals;
        };
    MessageLite body = parser.parseFrom(CodedInputStream.newInstance(in.nioBuffer()));
    return new Frame(id, kind, method, timeoutMillis, body);
  }
}

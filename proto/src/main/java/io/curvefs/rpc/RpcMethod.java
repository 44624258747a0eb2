package io.curvefs.rpc;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.proto.HelloReply;
import io.curvefs.proto.HelloRequest;
import io.curvefs.proto.KeepOpenReply;
import io.curvefs.proto.KeepOpenRequest;
import io.curvefs.proto.MutateReply;
import io.curvefs.proto.MutateRequest;
import io.curvefs.proto.ParticipateReply;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.proto.ReadReply;
import io.curvefs.proto.ReadRequest;
import io.curvefs.proto.ServerStatsReply;
import io.curvefs.proto.ServerStatsRequest;

/** What one process can ask of another. Numbers are for ever. */
public enum RpcMethod {
  READ(0, ReadRequest.parser(), ReadReply.parser()),
  MUTATE(1, MutateRequest.parser(), MutateReply.parser()),
  KEEP_OPEN(2, KeepOpenRequest.parser(), KeepOpenReply.parser()),
  PARTICIPATE(3, ParticipateRequest.parser(), ParticipateReply.parser()),
  COORDINATE(4, CoordinateRequest.parser(), CoordinateReply.parser()),
  HELLO(5, HelloRequest.parser(), HelloReply.parser()),
  STATS(6, ServerStatsRequest.parser(), ServerStatsReply.parser());

  private static final RpcMethod[] VALUES = values();

  private final int number;
  private final Parser<? extends MessageLite> requests;
  private final Parser<? extends MessageLite> replies;

  RpcMethod(
      int number, Parser<? extends MessageLite> requests, Parser<? extends MessageLite> replies) {
    this.number = number;
    this.requests = requests;
    this.replies = replies;
  }

  int number() {
    return number;
  }

  Parser<? extends MessageLite> requests() {
    return requests;
  }

  Parser<? extends MessageLite> replies() {
    return replies;
  }

  static RpcMethod ofNumber(int number) {
    for (RpcMethod method : VALUES) {
      if (method.number == number) {
        return method;
      }
    }
    throw new IllegalArgumentException(
        "unknown method " + number + ": is the peer newer than this?");
  }
}

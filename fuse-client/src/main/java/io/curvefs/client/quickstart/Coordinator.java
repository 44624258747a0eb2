package io.curvefs.client.quickstart;

import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.CoordinateRequest;
import io.curvefs.rpc.HostPort;
import java.io.IOException;
import java.time.Duration;

/** How to ask the coordinator of a cluster. */
@FunctionalInterface
public interface Coordinator {
  /** Blocks for at most the bound; fails with one line that says what was refused. */
  CoordinateReply ask(HostPort server, CoordinateRequest.Builder request, Duration bound)
      throws IOException;
}

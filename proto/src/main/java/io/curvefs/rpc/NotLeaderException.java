package io.curvefs.rpc;

import io.curvefs.error.Refusal;
import io.curvefs.proto.ServerInfo;
import java.io.Serial;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A refusal that names the server to ask instead. Carries no stack trace. */
public final class NotLeaderException extends Exception {
  @Serial private static final long serialVersionUID = 1;
  private final transient @Nullable ServerInfo leader;

  public NotLeaderException(@Nullable ServerInfo leader) {
    super(Refusal.NOT_LEADER.text(), null, false, false);
    this.leader = leader;
  }

  /** Empty while an election is going on. */
  public Optional<ServerInfo> leader() {
    return Optional.ofNullable(leader);
  }
}

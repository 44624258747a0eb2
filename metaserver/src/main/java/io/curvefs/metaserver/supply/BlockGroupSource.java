package io.curvefs.metaserver.supply;

import io.curvefs.proto.AssignBlockGroups;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.ListBlockGroupsRequest;
import io.curvefs.proto.ReleaseBlockGroups;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The coordinator, who gives out block groups. Concurrent: yes. Never blocks. A request may arrive
 * twice, and late. Fails with a refusal when there is no answer within some seconds; whether it was
 * carried out is open then.
 */
public interface BlockGroupSource {
  /** Those that were given; none: nothing is left. */
  CompletableFuture<List<BlockGroup>> assign(AssignBlockGroups assign);

  CompletableFuture<@Nullable Void> release(ReleaseBlockGroups release);

  /** All that are given to one raft group. */
  CompletableFuture<List<BlockGroup>> list(ListBlockGroupsRequest list);
}

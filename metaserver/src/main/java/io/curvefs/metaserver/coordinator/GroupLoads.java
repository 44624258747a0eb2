package io.curvefs.metaserver.coordinator;

import io.curvefs.proto.GroupLoad;
import io.curvefs.proto.ServerBeatRequest;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** What the leaders of the groups last reported of them. Volatile, approximate. Thread-safe. */
public final class GroupLoads {
  private final Map<Integer, GroupLoad> loads = new ConcurrentHashMap<>();

  void report(ServerBeatRequest beat) {
    for (GroupLoad load : beat.getGroupsList()) {
      if (load.getLeader()) {
        loads.put(load.getGroup(), load);
      }
    }
  }

  Collection<GroupLoad> all() {
    return loads.values();
  }
}

package io.curvefs.client.trial;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Blocks of the volume, as the commands say. */
record Space(long used, long reserved, long quarantined, long free, long betweenGroups) {
  private static final int BLOCK_BYTES = 4096;

  static Space parse(String usage) {
    JsonNode poolSet = JsonMapper.shared().readTree(usage).at("/pool_sets/0");
    return new Space(
        blocks(poolSet, "used_bytes"),
        blocks(poolSet, "reserved_bytes"),
        blocks(poolSet, "quarantined_bytes"),
        blocks(poolSet, "free_bytes"),
        blocks(poolSet, "between_raft_groups_bytes"));
  }

  private static long blocks(JsonNode poolSet, String key) {
    return poolSet.get(key).asLong() / BLOCK_BYTES;
  }

  /** Nothing is on its way from one owner to another. */
  boolean isSettled() {
    return reserved == 0 && quarantined == 0 && betweenGroups == 0;
  }
}

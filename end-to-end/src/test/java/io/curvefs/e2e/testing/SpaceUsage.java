package io.curvefs.e2e.testing;

import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Bytes of a file system's volumes: of files, reserved, at rest after they were freed, free. */
public record SpaceUsage(long total, long used, long reserved, long quarantined, long free) {
  static SpaceUsage parse(String json) {
    JsonNode poolSets = JsonMapper.shared().readTree(json).at("/pool_sets");
    return new SpaceUsage(
        sum(poolSets, "total_bytes"),
        sum(poolSets, "used_bytes"),
        sum(poolSets, "reserved_bytes"),
        sum(poolSets, "quarantined_bytes"),
        sum(poolSets, "free_bytes"));
  }

  private static long sum(JsonNode poolSets, String key) {
    return StreamSupport.stream(poolSets.spliterator(), false)
        .mapToLong(poolSet -> poolSet.get(key).asLong())
        .sum();
  }
}

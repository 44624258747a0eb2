package io.curvefs.metaserver.coordinator;

import static io.curvefs.metaserver.coordinator.CoordinatorReplica.done;
import static io.curvefs.metaserver.coordinator.CoordinatorReplica.nextEpoch;
import static io.curvefs.metaserver.coordinator.CoordinatorReplica.outcome;

import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.BindCacheCluster;
import io.curvefs.proto.CacheCluster;
import io.curvefs.proto.CoordinatorOutcome;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.PutCacheCluster;
import io.curvefs.proto.RemoveCacheCluster;
import java.util.List;

/**
 * What the state machine of group 0 does to memcached clusters and to the file systems that use
 * them. Every change that a mount must hear of makes a new routing epoch, and may come twice.
 */
final class CacheClusterChanges {
  private CacheClusterChanges() {}

  static CoordinatorOutcome put(PutCacheCluster put, CoordinatorTables tables, WriteSet rows) {
    CacheCluster wanted = put.getCluster();
    CacheCluster existing = tables.cacheCluster(wanted.getName());
    if (existing != null) {
      if (existing.getServersList().equals(wanted.getServersList())) {
        return done(0);
      }
      if (!put.getReplace()) {
        return outcome(CoordinatorOutcome.Kind.NAME_TAKEN);
      }
    }
    CacheCluster latest = wanted.toBuilder().setVersion(nextEpoch(tables, rows)).build();
    rows.put(Keys.cacheCluster(wanted.getName()), latest.toByteArray());
    return done(0);
  }

  static CoordinatorOutcome remove(
      RemoveCacheCluster remove, CoordinatorTables tables, WriteSet rows) {
    CacheCluster existing = tables.cacheCluster(remove.getName());
    if (existing == null) {
      return done(0);
    }
    if (existing.getVersion() != remove.getVersion()) {
      return outcome(CoordinatorOutcome.Kind.WRONG_STATE);
    }
    List<String> users = tables.usersOf(remove.getName());
    if (!users.isEmpty()) {
      return CoordinatorOutcome.newBuilder()
          .setKind(CoordinatorOutcome.Kind.IN_USE)
          .setDetail(String.join(", ", users))
          .build();
    }
    rows.delete(Keys.cacheCluster(remove.getName()));
    return done(0);
  }

  static CoordinatorOutcome bind(BindCacheCluster bind, CoordinatorTables tables, WriteSet rows) {
    FileSystem fileSystem = tables.fileSystem(bind.getFileSystem());
    if (fileSystem == null) {
      return outcome(CoordinatorOutcome.Kind.NOT_FOUND);
    }
    if (fileSystem.getState() == FileSystem.State.DELETING) {
      return outcome(CoordinatorOutcome.Kind.WRONG_STATE);
    }
    if (!bind.getCluster().isEmpty() && tables.cacheCluster(bind.getCluster()) == null) {
      return outcome(CoordinatorOutcome.Kind.NO_CACHE_CLUSTER);
    }
    if (!fileSystem.getCacheCluster().equals(bind.getCluster())) {
      rows.put(
          Keys.fileSystem(fileSystem.getId()),
          fileSystem.toBuilder().setCacheCluster(bind.getCluster()).build().toByteArray());
      nextEpoch(tables, rows);
    }
    return done(fileSystem.getId());
  }
}

package io.curvefs.metaserver.server;

import io.curvefs.id.ServerId;
import io.curvefs.metaserver.raft.RaftSettings;
import io.curvefs.rpc.HostPort;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/**
 * How one metaserver is run.
 *
 * @param id of this server; unique in the cluster and for ever
 * @param listen address for clients; raft uses the next port
 * @param dataDirectory of this server alone
 * @param peers all servers of the coordinator group with their addresses, this one included
 * @param dataGroups raft groups for partitions, made when the cluster is formed, 1 to 1000
 * @param blockCacheBytes for rows read from disk, of all groups together
 * @param writeBufferBytes for rows not yet flushed, of all groups together
 * @param raft how groups are run
 */
public record MetaServerConfig(
    ServerId id,
    HostPort listen,
    Path dataDirectory,
    Map<ServerId, HostPort> peers,
    int dataGroups,
    long blockCacheBytes,
    long writeBufferBytes,
    RaftSettings raft) {

  public static final int DATA_GROUPS_DEFAULT = 3;
  public static final long BLOCK_CACHE_BYTES_DEFAULT = 256L << 20;
  public static final long WRITE_BUFFER_BYTES_DEFAULT = 128L << 20;

  private static final int DATA_GROUPS_MAX = 1000;

  public MetaServerConfig {
    peers = Map.copyOf(peers);
    if (listen.port() == 0 || listen.port() == 65535) {
      throw new IllegalArgumentException(
          "--listen " + listen + ": the port and the one after it are needed, choose 1..65534");
    }
    HostPort own = peers.get(id);
    if (own == null) {
      throw new IllegalArgumentException("--peers must name this server too: " + id + "=" + listen);
    }
    if (own.port() != listen.port()) {
      throw new IllegalArgumentException(
          "--peers says server " + id + " is at " + own + ", --listen says " + listen);
    }
    if (dataGroups < 1 || dataGroups > DATA_GROUPS_MAX) {
      throw new IllegalArgumentException(
          "--groups must be 1 to " + DATA_GROUPS_MAX + ", not " + dataGroups);
    }
  }

  /**
   * Parses {@code 1=host:port,2=host:port}.
   *
   * @throws IllegalArgumentException naming what is wrong
   */
  public static Map<ServerId, HostPort> parsePeers(String text) {
    Map<ServerId, HostPort> peers = new TreeMap<>((a, b) -> Integer.compare(a.value(), b.value()));
    for (String part : text.split(",", -1)) {
      int equals = part.indexOf('=');
      try {
        ServerId id = new ServerId(Integer.parseInt(part.substring(0, Math.max(0, equals)).trim()));
        if (peers.put(id, HostPort.parse(part.substring(equals + 1).trim())) != null) {
          throw new IllegalArgumentException("server " + id + " is named twice");
        }
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "--peers must be ID=HOST:PORT[,ID=HOST:PORT...], not '" + text + "'", e);
      }
    }
    return peers;
  }

  /** The address that a server's raft groups listen on. */
  static HostPort raftAddress(HostPort server) {
    return new HostPort(server.host(), server.port() + 1);
  }
}

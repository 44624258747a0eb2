package io.curvefs.metaserver.server;

import io.curvefs.id.GroupId;
import io.curvefs.id.ServerId;
import io.curvefs.rpc.HostPort;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A server's directory: one process at a time, and never of another server or cluster. Holds {@code
 * identity.properties} and {@code groups/N/}.
 */
final class DataDirectory implements AutoCloseable {
  private static final String ID = "server.id";
  private static final String PEERS = "peers";
  private static final String CLUSTER = "cluster.uuid";

  private final Path root;
  private final FileChannel lockFile;
  private final Properties identity;

  private DataDirectory(Path root, FileChannel lockFile, Properties identity) {
    this.root = root;
    this.lockFile = lockFile;
    this.identity = identity;
  }

  /**
   * Takes the directory, making it when absent.
   *
   * @throws IOException one line that names the directory and the remedy
   */
  static DataDirectory open(MetaServerConfig config) throws IOException {
    Path root = config.dataDirectory();
    Files.createDirectories(
        root, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    FileChannel lockFile =
        FileChannel.open(root.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      lock(root, lockFile);
      Properties identity = new Properties();
      Path file = root.resolve("identity.properties");
      if (Files.exists(file)) {
        try (Reader reader = Files.newBufferedReader(file)) {
          identity.load(reader);
        }
        check(root, identity, config);
      } else {
        identity.setProperty(ID, config.id().toString());
        identity.setProperty(PEERS, text(config.peers()));
      }
      DataDirectory directory = new DataDirectory(root, lockFile, identity);
      directory.save();
      return directory;
    } catch (IOException e) {
      lockFile.close();
      throw e;
    }
  }

  private static void lock(Path root, FileChannel lockFile) throws IOException {
    FileLock lock;
    try {
      lock = lockFile.tryLock();
    } catch (OverlappingFileLockException e) {
      lock = null;
    }
    if (lock == null) {
      throw new IOException(
          "another metaserver is running on " + root + ": stop it, or give --data-dir another one");
    }
  }

  private static void check(Path root, Properties identity, MetaServerConfig config)
      throws IOException {
    String id = identity.getProperty(ID, "");
    if (!id.equals(config.id().toString())) {
      throw new IOException(
          root
              + " belongs to server "
              + id
              + ", not "
              + config.id()
              + ": give --id "
              + id
              + ", or --data-dir an empty directory");
    }
    String peers = identity.getProperty(PEERS, "");
    if (!peers.equals(text(config.peers()))) {
      throw new IOException(
          root
              + " belongs to the cluster of "
              + peers
              + ", not of "
              + text(config.peers())
              + ": give --peers "
              + peers
              + ", or --data-dir an empty directory");
    }
  }

  private static String text(Map<ServerId, HostPort> peers) {
    Map<Integer, HostPort> sorted = new TreeMap<>();
    peers.forEach((id, address) -> sorted.put(id.value(), address));
    return sorted.entrySet().stream()
        .map(peer -> peer.getKey() + "=" + peer.getValue())
        .collect(Collectors.joining(","));
  }

  private void save() throws IOException {
    Path file = root.resolve("identity.properties");
    Path next = root.resolve("identity.properties.new");
    try (Writer writer = Files.newBufferedWriter(next)) {
      identity.store(writer, "Which server and cluster this directory belongs to");
    }
    try (FileChannel written = FileChannel.open(next, StandardOpenOption.WRITE)) {
      written.force(true);
    }
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** The members of the cluster as they were first named; part of its raft groups' names. */
  String peers() {
    return identity.getProperty(PEERS);
  }

  /** Empty until the server has joined. */
  String clusterUuid() {
    return identity.getProperty(CLUSTER, "");
  }

  void joined(String clusterUuid) throws IOException {
    identity.setProperty(CLUSTER, clusterUuid);
    save();
  }

  Path group(GroupId group) {
    return root.resolve("groups").resolve(group.toString());
  }

  /** Groups that this server has hosted before. */
  List<GroupId> groups() throws IOException {
    Path groups = root.resolve("groups");
    if (!Files.exists(groups)) {
      return List.of();
    }
    try (Stream<Path> found = Files.list(groups)) {
      return found
          .map(path -> path.getFileName().toString())
          .filter(name -> name.matches("\\d+"))
          .map(name -> new GroupId(Integer.parseInt(name)))
          .toList();
    }
  }

  @Override
  public void close() throws IOException {
    lockFile.close();
  }
}

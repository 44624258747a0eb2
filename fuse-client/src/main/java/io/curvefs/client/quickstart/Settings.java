package io.curvefs.client.quickstart;

import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.Properties;

/**
 * What a quickstart chose when it first ran. Servers and file system remember it too, so it never
 * changes for a data directory; only the mount may move.
 *
 * @param s3Port of the S3 store
 * @param metaPort of the metaserver; raft uses the next one
 * @param mount where the file system was mounted last
 */
public record Settings(int s3Port, int metaPort, Path mount) {
  private static final String S3_PORT = "s3.port";
  private static final String META_PORT = "metaserver.port";
  private static final String MOUNT = "mount";

  /** What an earlier run remembered in a data directory. */
  public static Optional<Settings> remembered(Path data) throws IOException {
    Path file = data.resolve("quickstart.properties");
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    Properties values = new Properties();
    try (Reader reader = Files.newBufferedReader(file)) {
      values.load(reader);
    }
    try {
      return Optional.of(
          new Settings(
              Integer.parseInt(values.getProperty(S3_PORT, "")),
              Integer.parseInt(values.getProperty(META_PORT, "")),
              Path.of(values.getProperty(MOUNT, ""))));
    } catch (IllegalArgumentException e) {
      throw new IOException(file + " is damaged: delete " + data + " and start afresh", e);
    }
  }

  void remember(Layout layout) throws IOException {
    Properties values = new Properties();
    values.setProperty(S3_PORT, Integer.toString(s3Port));
    values.setProperty(META_PORT, Integer.toString(metaPort));
    values.setProperty(MOUNT, mount.toString());
    Path temporary = layout.settings().resolveSibling("quickstart.properties.new");
    try (Writer writer = Files.newBufferedWriter(temporary)) {
      values.store(writer, "curvefs quickstart");
    }
    Files.move(temporary, layout.settings(), StandardCopyOption.ATOMIC_MOVE);
  }

  Settings mountedAt(Path newMount) {
    return new Settings(s3Port, metaPort, newMount);
  }

  /** The mount's source. */
  String source() {
    return "127.0.0.1:" + metaPort + "/" + FILE_SYSTEM;
  }

  String endpoint() {
    return "http://127.0.0.1:" + s3Port;
  }

  static final String FILE_SYSTEM = "quickstart";
  static final String BUCKET = "curvefs-data";
}

package io.curvefs.client.quickstart;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where everything of one quickstart lies.
 *
 * @param data directory of servers, caches and logs
 * @param mount directory where the file system appears
 */
public record Layout(Path data, Path mount) {
  public Layout {
    data = plain("--data", data);
    mount = plain("--mount", mount);
    if (data.startsWith(mount) || mount.startsWith(data)) {
      throw new IllegalArgumentException(
          "--data " + data + " and --mount " + mount + " must not lie in one another");
    }
  }

  /**
   * Where a person wants it, else where it was the last time, else in the home directory.
   *
   * @throws IOException when what an earlier run left cannot be read
   */
  public static Layout of(@Nullable Path data, @Nullable Path mount) throws IOException {
    Path chosen = data == null ? dataDefault() : data.toAbsolutePath().normalize();
    Optional<Settings> remembered = Settings.remembered(chosen);
    if (mount != null) {
      return new Layout(chosen, mount);
    }
    return new Layout(
        chosen, remembered.map(Settings::mount).orElse(homeDirectory().resolve("curvefs")));
  }

  private static Path dataDefault() {
    return homeDirectory().resolve(".curvefs-quickstart");
  }

  private static Path homeDirectory() {
    return Path.of(System.getProperty("user.home"));
  }

  /** How to say to another command that this data directory is meant; empty for the usual one. */
  String dataOption() {
    return data.equals(dataDefault().toAbsolutePath().normalize()) ? "" : " --data " + data;
  }

  /** Both travel in mount options, which know no quotes. */
  private static Path plain(String option, Path path) {
    Path absolute = path.toAbsolutePath().normalize();
    if (absolute.toString().matches(".*[\\s,*?\\[\\\\].*")) {
      throw new IllegalArgumentException(
          option + " " + absolute + ": blanks, commas and wildcards are not possible here");
    }
    return absolute;
  }

  /** Objects of the S3 store. */
  Path s3() {
    return data.resolve("s3");
  }

  Path metaserver() {
    return data.resolve("metaserver");
  }

  Path cache() {
    return data.resolve("cache");
  }

  Path logs() {
    return data.resolve("logs");
  }

  Path log(String process) {
    return logs().resolve(process + ".log");
  }

  /** Process ids. */
  Path run() {
    return data.resolve("run");
  }

  Path pid(String process) {
    return run().resolve(process + ".pid");
  }

  Path settings() {
    return data.resolve("quickstart.properties");
  }
}

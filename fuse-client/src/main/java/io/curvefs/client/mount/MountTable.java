package io.curvefs.client.mount;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What is mounted where, as /proc/self/mountinfo tells; see proc(5). */
public final class MountTable {
  private static final Path MOUNT_INFO = Path.of("/proc/self/mountinfo");
  private static final String TYPE = "fuse.curvefs";

  private MountTable() {}

  /**
   * One mount.
   *
   * @param point where
   * @param type of the file system
   * @param source what its process called itself
   */
  public record Entry(Path point, String type, String source) {
    public boolean isCurveFs() {
      return type.equals(TYPE);
    }
  }

  /** The topmost mount exactly at a directory. */
  public static Optional<Entry> at(Path directory) throws IOException {
    Path wanted = directory.toAbsolutePath().normalize();
    Entry found = null;
    for (Entry entry : entries()) {
      if (entry.point.equals(wanted)) {
        found = entry; // later ones lie on top
      }
    }
    return Optional.ofNullable(found);
  }

  /** The CurveFS mount that a path lies in. */
  public static Optional<Entry> containing(Path path) throws IOException {
    Path wanted = path.toAbsolutePath().normalize();
    Entry deepest = null;
    for (Entry entry : entries()) {
      if (wanted.startsWith(entry.point)
          && (deepest == null || entry.point.getNameCount() >= deepest.point.getNameCount())) {
        deepest = entry;
      }
    }
    return Optional.ofNullable(deepest).filter(Entry::isCurveFs);
  }

  /** Every CurveFS mount, each mount point once. */
  public static List<Entry> all() throws IOException {
    Map<Path, Entry> topmost = new LinkedHashMap<>();
    entries().forEach(entry -> topmost.put(entry.point, entry));
    return topmost.values().stream().filter(Entry::isCurveFs).toList();
  }

  private static List<Entry> entries() throws IOException {
    return Files.readAllLines(MOUNT_INFO).stream().map(MountTable::parse).toList();
  }

  static Entry parse(String line) {
    String[] halves = line.split(" - ", 2);
    String[] place = halves[0].split(" ");
    String[] what = halves[1].split(" ");
    return new Entry(Path.of(unescape(place[4])), what[0], unescape(what[1]));
  }

  /** Blanks, tabs, newlines and backslashes are written as three octal digits. */
  private static String unescape(String text) {
    StringBuilder plain = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\' && i + 3 < text.length()) {
        plain.append((char) Integer.parseInt(text.substring(i + 1, i + 4), 8));
        i += 3;
      } else {
        plain.append(c);
      }
    }
    return plain.toString();
  }
}

package io.curvefs.client.cli;

import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.mount.WarmupHandle;
import io.curvefs.client.warmup.PathList;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Paths as users give them, which may be any bytes, and as the mount knows them. Text stands for
 * bytes here, one for one (ISO 8859-1).
 */
final class WarmupPaths {
  private static final int LINE_BYTES_MAX = 64 << 10;
  private static final Charset BYTES = StandardCharsets.ISO_8859_1;
  private static final Charset NAMES =
      Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));

  private final String root;
  private final String here;

  WarmupPaths(MountHandle mount) {
    this.root = bytesOf(mount.root());
    this.here = bytesOf(Path.of("").toAbsolutePath());
  }

  private static String bytesOf(Path path) {
    return new String(path.toString().getBytes(NAMES), BYTES);
  }

  /** The mount that the first of the paths lies in that lies in one. */
  static MountHandle mountOf(List<String> arguments, @Nullable InputStream list, char end)
      throws IOException {
    IOException refused = new IOException("say what: a PATH, or --filelist");
    for (String argument : arguments) {
      try {
        return containing(argument);
      } catch (IOException e) {
        refused = e;
      }
    }
    if (list != null) {
      for (String line = line(list, end); line != null; line = line(list, end)) {
        try {
          return containing(new String(line.getBytes(BYTES), NAMES));
        } catch (IOException e) {
          refused = e;
        }
      }
    }
    throw refused;
  }

  private static MountHandle containing(String text) throws IOException {
    try {
      Path path = Path.of(text).toAbsolutePath();
      try {
        return MountHandle.containing(path);
      } catch (IOException e) {
        return MountHandle.containing(real(path));
      }
    } catch (InvalidPathException e) {
      throw new IOException(text + " is no path", e);
    }
  }

  /** With links followed on the way, but not at the end: that one is the mount's to follow. */
  private static Path real(Path path) throws IOException {
    Path parent = path.getParent();
    return parent == null ? path : parent.toRealPath().resolve(path.getFileName());
  }

  /** An argument of the command line, as the bytes that were typed. */
  void argument(String argument, WarmupHandle.Request request) throws IOException {
    String bytes = new String(argument.getBytes(NAMES), BYTES);
    if (argument.indexOf('\uFFFD') >= 0) { // not of this locale: ask the kernel
      for (String raw : Files.readString(Path.of("/proc/self/cmdline"), BYTES).split("\0")) {
        bytes = new String(raw.getBytes(BYTES), NAMES).equals(argument) ? raw : bytes;
      }
    }
    request.add(listed(bytes).getBytes(BYTES));
  }

  /**
   * The lines of a list.
   *
   * @param end of a line: newline or NUL
   */
  void list(InputStream list, char end, WarmupHandle.Request request) throws IOException {
    for (String line = line(list, end); line != null; line = line(list, end)) {
      request.add(listed(line).getBytes(BYTES));
    }
  }

  /** The next line that is not empty; null: there is none. */
  private static @Nullable String line(InputStream list, char end) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    while (true) {
      int b = list.read();
      if (b < 0 || b == end) {
        if (line.size() > 0) {
          return line.toString(BYTES);
        }
        if (b < 0) {
          return null;
        }
      } else if (b == 0 || line.size() >= LINE_BYTES_MAX) {
        throw new IOException(
            "the list has a line that is no path: is it separated by NULs (--null)?");
      } else {
        line.write(b);
      }
    }
  }

  private String listed(String given) {
    String absolute = normalized(given.startsWith("/") ? given : here + "/" + given);
    String inside = inside(absolute);
    if (inside == null) {
      inside = insideByLinks(absolute);
    }
    return inside == null ? PathList.OUTSIDE + given : inside;
  }

  private @Nullable String inside(String absolute) {
    if (absolute.equals(root)) {
      return "/";
    }
    String prefix = root.equals("/") ? "/" : root + "/";
    return absolute.startsWith(prefix) ? "/" + absolute.substring(prefix.length()) : null;
  }

  private @Nullable String insideByLinks(String absolute) {
    try {
      return inside(bytesOf(real(Path.of(new String(absolute.getBytes(BYTES), NAMES)))));
    } catch (IOException | InvalidPathException e) {
      return null;
    }
  }

  private static String normalized(String absolute) {
    List<String> names = new ArrayList<>();
    for (String name : Arrays.asList(absolute.split("/"))) {
      if (name.equals("..")) {
        if (!names.isEmpty()) {
          names.remove(names.size() - 1);
        }
      } else if (!name.isEmpty() && !name.equals(".")) {
        names.add(name);
      }
    }
    return "/" + String.join("/", names);
  }

  /** The path of a file that the mount tells of, as this host has it. */
  byte[] shown(byte[] path) {
    if (path.length == 0 || path[0] != '/') {
      return path;
    }
    return ((root.equals("/") ? "" : root) + new String(path, BYTES)).getBytes(BYTES);
  }
}

package io.curvefs.client.accesslog;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One request of the kernel, and its line in the log:
 *
 * <pre>
 * 2026-11-27T19:26:11.003330Z [uid:0,gid:0,pid:4403] write (inode 17669, 8666 B at 4993160): OK
 * &lt;0.000010&gt;</pre>
 *
 * @param time when it came
 * @param uid effective user of the caller
 * @param gid effective group of the caller
 * @param pid of the calling thread's process; 0 for the kernel itself
 * @param operation in lower case
 * @param inode that it is about; of operations on names, the directory
 * @param details what else it asked for; empty: nothing. Without line breaks
 * @param result OK, or the errno that was answered
 * @param micros from the upcall to the answer
 */
public record AccessRecord(
    Instant time,
    long uid,
    long gid,
    long pid,
    String operation,
    long inode,
    String details,
    String result,
    long micros) {
  public static final String OK = "OK";

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private static final Pattern LINE =
      Pattern.compile(
          "(\\S+Z) \\[uid:(\\d{1,10}),gid:(\\d{1,10}),pid:(\\d{1,10})] (\\w+)"
              + " \\(inode (\\d{1,18})(?:, (.*))?\\): (\\w+) <(\\d{1,10})\\.(\\d{6})>",
          Pattern.DOTALL); // names may hold any character but a newline

  private static final long MICROS_PER_SECOND = 1_000_000;

  /** What a line says; empty when it is none of ours. */
  public static Optional<AccessRecord> parse(String line) {
    Matcher parts = LINE.matcher(line);
    if (!parts.matches()) {
      return Optional.empty();
    }
    Instant time;
    try {
      time = Instant.parse(parts.group(1));
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
    String details = parts.group(7);
    return Optional.of(
        new AccessRecord(
            time,
            Long.parseLong(parts.group(2)),
            Long.parseLong(parts.group(3)),
            Long.parseLong(parts.group(4)),
            parts.group(5),
            Long.parseLong(parts.group(6)),
            details == null ? "" : details,
            parts.group(8),
            Long.parseLong(parts.group(9)) * MICROS_PER_SECOND + Long.parseLong(parts.group(10))));
  }

  /** The line, without its end. */
  @Override
  public String toString() {
    StringBuilder line = new StringBuilder(128);
    TIME.formatTo(time, line);
    line.append(" [uid:").append(uid).append(",gid:").append(gid).append(",pid:").append(pid);
    line.append("] ").append(operation).append(" (inode ").append(inode);
    if (!details.isEmpty()) {
      line.append(", ").append(details);
    }
    line.append("): ").append(result).append(" <").append(micros / MICROS_PER_SECOND).append('.');
    String fraction = Long.toString(micros % MICROS_PER_SECOND);
    return line.append("0".repeat(6 - fraction.length())).append(fraction).append('>').toString();
  }
}

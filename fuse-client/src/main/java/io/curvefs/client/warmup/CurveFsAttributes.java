package io.curvefs.client.warmup;

import com.google.protobuf.ByteString;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/**
 * Warmups as CurveFS asks for them: by setting {@link #OP} of what is to be warmed. Its fields are
 * lines: add or cancel; single or list; the path; disk or kvclient; the mount point; the root. A
 * list is a file of the mount with one path under the mount point a line. Getting {@link #OP} tells
 * how far the latest job of that inode is; {@link #LIST} tells of all. Thread-safe.
 */
public final class CurveFsAttributes {
  /** Of any inode. */
  public static final String OP = "curvefs.warmup.op";

  public static final String LIST = "curvefs.warmup.op.list";

  private static final int LIST_BYTES_MAX = 60 << 10;
  private static final int LINE_BYTES_MAX = 64 << 10;

  private final WarmupJobs jobs;
  private final ByteString mountPoint;
  private final FileReader reader;

  /** Reads files of the mount without asking the kernel. */
  @FunctionalInterface
  public interface FileReader {
    /**
     * All bytes of a file, part by part.
     *
     * @throws RefusedException EINVAL when it is not a regular file
     */
    void read(InodeId file, Part part) throws IOException;

    /** What takes the parts. */
    @FunctionalInterface
    interface Part {
      void take(ByteString bytes) throws IOException;
    }
  }

  public CurveFsAttributes(WarmupJobs jobs, String mountPoint, FileReader reader) {
    this.jobs = jobs;
    this.mountPoint = ByteString.copyFromUtf8(mountPoint);
    this.reader = reader;
  }

  /** How far the latest job of the inode is. */
  public ByteString get(InodeId inode) throws RefusedException {
    Optional<JobStatus> job = jobs.latestOf(inode);
    if (job.isEmpty()) {
      throw new RefusedException(Refusal.ENODATA);
    }
    return ByteString.copyFromUtf8(progress(job.get()));
  }

  private static String progress(JobStatus job) {
    String failures =
        job.filesFailed() == 0
            ? ""
            : ", " + job.filesFailed() + " of " + job.filesEnded() + " failed";
    return switch (job.state()) {
      case DONE -> "finished" + failures;
      case REFUSED, CANCELLED, BROKEN ->
          job.state().name().toLowerCase(Locale.ROOT)
              + (job.message().isEmpty() ? "" : ": " + job.message());
      case WAITING, COUNTING, RUNNING, RETRYING -> job.filesEnded() + "/" + job.filesTotal();
    };
  }

  /** One line a job: its number, what it was asked for, how far it is. */
  public ByteString list() {
    StringBuilder text = new StringBuilder();
    for (JobStatus job : jobs.list()) {
      if (job.request().kind() == JobKind.ADD && text.length() < LIST_BYTES_MAX) {
        text.append(job.id())
            .append(' ')
            .append(job.request().title().replace('\n', ' '))
            .append(' ')
            .append(progress(job))
            .append('\n');
      }
    }
    return ByteString.copyFromUtf8(text.toString());
  }

  /**
   * Adds or cancels.
   *
   * @param inode whose attribute is set
   */
  public void set(InodeId inode, ByteString value) throws IOException {
    List<ByteString> fields = lines(value);
    String operation = field(fields, 0);
    if (operation.equals("cancel")) {
      Optional<JobStatus> job = jobs.latestOf(inode);
      if (job.isEmpty()) {
        throw new RefusedException(Refusal.ENOENT);
      }
      jobs.cancel(job.get().id());
      return;
    }
    if (!operation.equals("add") || fields.size() < 3) {
      throw invalid("the first line is add or cancel, then come single or list, and the path");
    }
    Storage storage =
        switch (fields.size() > 3 ? field(fields, 3) : "disk") {
          case "disk" -> Storage.DISK;
          case "kvclient", "mem", "memcached" -> Storage.MEMCACHED;
          default -> throw invalid("the fourth line is disk or kvclient");
        };
    ByteString mounted =
        fields.size() > 4 && fields.get(4).startsWith(Paths.ROOT) ? fields.get(4) : mountPoint;
    String token = UUID.randomUUID().toString().replace("-", "");
    switch (field(fields, 1)) {
      case "single" -> {
        jobs.upload(token, listed(fields.get(2), mounted, true));
        add(inode, token, fields.get(2), storage);
      }
      case "list" -> {
        upload(inode, token, mounted);
        add(inode, token, fields.get(2), storage);
      }
      default -> throw invalid("the second line is single or list");
    }
  }

  private void add(InodeId inode, String token, ByteString path, Storage storage)
      throws IOException {
    String title = path.toString(StandardCharsets.UTF_8);
    jobs.add(JobRequest.of(JobKind.ADD, title, storage), token, inode);
  }

  private void upload(InodeId list, String token, ByteString mounted) throws IOException {
    boolean whole = false;
    try {
      uploadList(list, token, mounted);
      whole = true;
    } finally {
      if (!whole) {
        jobs.drop(token);
      }
    }
  }

  private void uploadList(InodeId list, String token, ByteString mounted) throws IOException {
    jobs.upload(token, ByteString.EMPTY);
    ByteString[] rest = {ByteString.EMPTY};
    reader.read(
        list,
        bytes -> {
          ByteString text = rest[0].concat(bytes);
          int end = lastNewline(text) + 1;
          rest[0] = text.substring(end);
          if (rest[0].size() > LINE_BYTES_MAX) {
            throw invalid("a list has one path a line");
          }
          uploadLines(lines(text.substring(0, end)), token, mounted);
        });
    uploadLines(lines(rest[0]), token, mounted);
  }

  private void uploadLines(List<ByteString> lines, String token, ByteString mounted)
      throws IOException {
    ByteString paths = ByteString.EMPTY;
    for (ByteString line : lines) {
      if (!line.isEmpty()) {
        paths = paths.concat(listed(line, mounted, false));
      }
    }
    jobs.upload(token, paths);
  }

  private static int lastNewline(ByteString text) {
    for (int i = text.size() - 1; i >= 0; i--) {
      if (text.byteAt(i) == '\n') {
        return i;
      }
    }
    return -1;
  }

  /**
   * A path as {@link PathList} has it.
   *
   * @param relative paths that are not under the mount point are of the file system
   */
  private static ByteString listed(ByteString path, ByteString mounted, boolean relative) {
    ByteString nul = ByteString.copyFrom(new byte[1]);
    if (path.equals(mounted)) {
      return Paths.ROOT.concat(nul);
    }
    if (path.startsWith(mounted.concat(Paths.ROOT))) {
      return path.substring(mounted.size()).concat(nul);
    }
    if (relative) {
      return (path.startsWith(Paths.ROOT) ? path : Paths.ROOT.concat(path)).concat(nul);
    }
    return ByteString.copyFromUtf8(String.valueOf(PathList.OUTSIDE)).concat(path).concat(nul);
  }

  private static List<ByteString> lines(ByteString text) {
    List<ByteString> lines = new ArrayList<>();
    int from = 0;
    for (int i = 0; i <= text.size(); i++) {
      if (i == text.size() || text.byteAt(i) == '\n') {
        if (i > from || i < text.size()) {
          lines.add(text.substring(from, i));
        }
        from = i + 1;
      }
    }
    return lines;
  }

  private static String field(List<ByteString> fields, int index) {
    return index < fields.size() ? fields.get(index).toStringUtf8().strip() : "";
  }

  private static RefusedException invalid(String what) {
    return new RefusedException(Refusal.EINVAL, what);
  }
}

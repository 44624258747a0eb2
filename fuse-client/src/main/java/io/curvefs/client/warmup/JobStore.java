package io.curvefs.client.warmup;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The jobs of one mount point on disk: {@code <id>.job} says what and how far, {@code <id>.list}
 * which paths; the others are made anew when a job is resumed. One process at a time.
 */
final class JobStore implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(JobStore.class);
  private static final String HEADER = "curvefs-warmup-job 1 ";
  private static final int CHECKSUM_DIGITS = 8;
  private static final long JOB_BYTES_MAX = 64 << 10;
  private static final JsonMapper JSON = JsonMapper.shared();

  private final Path directory;
  private final FileChannel lockFile;

  /** What is kept of a job besides its state. */
  enum Part {
    /** Paths as they were given, NUL behind each. */
    LIST,
    /** The same, looked at. */
    LOOKED_AT,
    FAILED,
    RETRY,
    SKIPPED
  }

  private JobStore(Path directory, FileChannel lockFile) {
    this.directory = directory;
    this.lockFile = lockFile;
  }

  /**
   * Opens the store of a mount point, and makes it if need be.
   *
   * @throws IOException with a message for the user, when another process has it
   */
  static JobStore open(Path directory) throws IOException {
    Files.createDirectories(
        directory,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    FileChannel lockFile =
        FileChannel.open(
            directory.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock = null;
    try {
      lock = lockFile.tryLock();
    } catch (OverlappingFileLockException e) {
      // Another mount of this process: the same.
    } finally {
      if (lock == null) {
        lockFile.close();
      }
    }
    if (lock == null) {
      throw new IOException(
          "an earlier process of this mount point has not ended yet and holds its warmup jobs ("
              + directory
              + "): try again when it has ended");
    }
    JobStore store = new JobStore(directory, lockFile);
    store.deleteUploads();
    return store;
  }

  private void deleteUploads() throws IOException {
    try (DirectoryStream<Path> uploads = Files.newDirectoryStream(directory, "upload-*")) {
      for (Path upload : uploads) {
        Files.deleteIfExists(upload);
      }
    }
  }

  Path upload(String token) {
    return directory.resolve("upload-" + token);
  }

  Path part(int id, Part part) {
    return directory.resolve(id + "." + part.name().toLowerCase(java.util.Locale.ROOT));
  }

  private Path job(int id) {
    return directory.resolve(id + ".job");
  }

  /** Saves what is known of a job: whole, or as it was before. */
  void save(SavedJob job) throws IOException {
    byte[] json = JSON.writeValueAsBytes(job);
    String header = HEADER + checksum(json) + "\n";
    Path temporary = directory.resolve(job.status().id() + ".job.tmp");
    try (FileChannel out =
        FileChannel.open(
            temporary,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      write(out, header.getBytes(StandardCharsets.US_ASCII));
      write(out, json);
      out.force(true);
    }
    Files.move(temporary, job(job.status().id()), StandardCopyOption.ATOMIC_MOVE);
  }

  private static void write(FileChannel out, byte[] bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      out.write(buffer);
    }
  }

  private static String checksum(byte[] json) {
    CRC32C crc = new CRC32C();
    crc.update(json);
    return "%08x".formatted(crc.getValue());
  }

  /** All jobs that can be read, by number; others are deleted. */
  List<SavedJob> load() throws IOException {
    List<SavedJob> jobs = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*.job")) {
      for (Path file : files) {
        try {
          jobs.add(read(file));
        } catch (IOException | JacksonException | IllegalArgumentException e) {
          log.warn("{} cannot be read and is deleted: {}", file, e.getMessage());
          Files.deleteIfExists(file);
        }
      }
    }
    jobs.sort((a, b) -> Integer.compare(a.status().id(), b.status().id()));
    return jobs;
  }

  static SavedJob read(Path file) throws IOException {
    if (Files.size(file) > JOB_BYTES_MAX) {
      throw new IOException("too long");
    }
    byte[] bytes = Files.readAllBytes(file);
    int headerBytes = HEADER.length() + CHECKSUM_DIGITS + 1;
    if (bytes.length < headerBytes) {
      throw new IOException("too short");
    }
    String header = new String(bytes, 0, headerBytes, StandardCharsets.US_ASCII);
    byte[] json = java.util.Arrays.copyOfRange(bytes, headerBytes, bytes.length);
    if (!header.equals(HEADER + checksum(json) + "\n")) {
      throw new IOException("of another version, or damaged");
    }
    return JSON.readValue(json, SavedJob.class);
  }

  /** A number that no job of this mount point has had. */
  int nextId() throws IOException {
    Path file = directory.resolve("next");
    int next = 1;
    try {
      next = Integer.parseInt(Files.readString(file).strip());
    } catch (NoSuchFileException e) {
      // The first.
    } catch (NumberFormatException e) {
      log.warn("{} is damaged", file);
    }
    for (SavedJob job : load()) {
      next = Math.max(next, job.status().id() + 1);
    }
    Path temporary = directory.resolve("next.tmp");
    Files.writeString(temporary, Integer.toString(next + 1));
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    return next;
  }

  /** Deletes what only a running job needs. */
  void deleteWork(int id) throws IOException {
    Files.deleteIfExists(part(id, Part.LIST));
    Files.deleteIfExists(part(id, Part.LOOKED_AT));
    Files.deleteIfExists(part(id, Part.RETRY));
  }

  void delete(int id) throws IOException {
    Files.deleteIfExists(job(id));
    deleteWork(id);
    Files.deleteIfExists(part(id, Part.FAILED));
    Files.deleteIfExists(part(id, Part.SKIPPED));
  }

  @Override
  public void close() throws IOException {
    lockFile.close();
  }
}

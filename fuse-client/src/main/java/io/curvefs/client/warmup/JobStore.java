package io.curvefs.client.warmup;

import java.io.IOException;
import java.io.InputStream;
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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The jobs of one mount point on disk: {@code <id>.job} says what and how far, {@code <id>.list}
 * which paths; both are forced to the disk before a job is acknowledged. What became of files stays
 * for those who ask once the job has ended; a job that is resumed begins these files anew. One
 * process at a time.
 */
final class JobStore implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(JobStore.class);
  private static final String HEADER = "curvefs-warmup-job 1 ";
  private static final String UPLOAD = "upload-";
  private static final int CHECKSUM_DIGITS = 8;
  private static final int JOB_BYTES_MAX = 64 << 10;
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final Pattern OF_A_JOB = Pattern.compile("([0-9]{1,9})\\.[a-z_.]+");

  private final Path directory;
  private final FileChannel lockFile;
  private final Forcer forcer;

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

  /** What was written is no job, and never will be one. */
  private static final class DamagedException extends IOException {
    private static final long serialVersionUID = 1;

    DamagedException(String message) {
      super(message);
    }
  }

  /** fsync(2) of a file, or of the names in a directory. */
  @FunctionalInterface
  interface Forcer {
    void force(Path path) throws IOException;
  }

  private JobStore(Path directory, FileChannel lockFile, Forcer forcer) {
    this.directory = directory;
    this.lockFile = lockFile;
    this.forcer = forcer;
  }

  /**
   * Opens the store of a mount point, and makes it if need be.
   *
   * @throws IOException with a message for the user, when another process has it
   */
  static JobStore open(Path directory) throws IOException {
    return open(directory, JobStore::force);
  }

  static JobStore open(Path directory, Forcer forcer) throws IOException {
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
    JobStore store = new JobStore(directory, lockFile, forcer);
    try {
      store.deleteLeftovers();
      return store;
    } catch (IOException | RuntimeException | Error e) {
      lockFile.close();
      throw e;
    }
  }

  private static void force(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path)) {
      channel.force(true);
    }
  }

  /** Deletes lists that were never asked for, and what is of no job. */
  private void deleteLeftovers() throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        Matcher of = OF_A_JOB.matcher(name);
        if (name.startsWith(UPLOAD)
            || (of.matches() && Files.notExists(job(Integer.parseInt(of.group(1)))))) {
          deleteLeftover(file);
        }
      }
    }
  }

  private static void deleteLeftover(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      log.warn("{} is of no use, and cannot be deleted", file, e);
    }
  }

  Path upload(String token) {
    return directory.resolve(UPLOAD + token);
  }

  /** Makes what was handed over the list of a job; on the disk once the job is saved. */
  void take(String token, int id) throws IOException {
    forcer.force(upload(token));
    Files.move(upload(token), part(id, Part.LIST), StandardCopyOption.REPLACE_EXISTING);
  }

  Path part(int id, Part part) {
    return directory.resolve(id + "." + part.name().toLowerCase(java.util.Locale.ROOT));
  }

  private Path job(int id) {
    return directory.resolve(id + ".job");
  }

  /** Saves what is known of a job: whole, or as it was before. Then it is on the disk. */
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
    }
    forcer.force(temporary);
    Files.move(temporary, job(job.status().id()), StandardCopyOption.ATOMIC_MOVE);
    forcer.force(directory);
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

  /** All jobs that can be read, by number; what is damaged is deleted. */
  List<SavedJob> load() throws IOException {
    List<SavedJob> jobs = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*.job")) {
      for (Path file : files) {
        try {
          jobs.add(read(file));
        } catch (DamagedException | JacksonException | IllegalArgumentException e) {
          log.warn("{} is damaged and is deleted: {}", file, e.getMessage());
          deleteDamaged(file);
        } catch (IOException e) {
          log.error("{} cannot be read now; the next mount tries again", file, e);
        }
      }
    }
    jobs.sort((a, b) -> Integer.compare(a.status().id(), b.status().id()));
    return jobs;
  }

  private void deleteDamaged(Path file) throws IOException {
    Matcher of = OF_A_JOB.matcher(file.getFileName().toString());
    if (of.matches()) {
      delete(Integer.parseInt(of.group(1)));
    } else {
      Files.deleteIfExists(file);
    }
  }

  static SavedJob read(Path file) throws IOException {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(JOB_BYTES_MAX + 1);
    }
    if (bytes.length > JOB_BYTES_MAX) {
      throw new DamagedException("too long");
    }
    int headerBytes = HEADER.length() + CHECKSUM_DIGITS + 1;
    if (bytes.length < headerBytes) {
      throw new DamagedException("too short");
    }
    String header = new String(bytes, 0, headerBytes, StandardCharsets.US_ASCII);
    byte[] json = java.util.Arrays.copyOfRange(bytes, headerBytes, bytes.length);
    if (!header.equals(HEADER + checksum(json) + "\n")) {
      throw new DamagedException("of another version, or damaged");
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
    try (DirectoryStream<Path> jobs = Files.newDirectoryStream(directory, "*.job")) {
      for (Path job : jobs) {
        Matcher of = OF_A_JOB.matcher(job.getFileName().toString());
        if (of.matches()) {
          next = Math.max(next, Integer.parseInt(of.group(1)) + 1);
        }
      }
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

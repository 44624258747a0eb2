package io.curvefs.client.staging;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Segments as files of one directory, which one process at a time may use: {@code <number, 16
 * hex>.segment}, and {@code lock}.
 */
public final class SegmentDirectory implements SegmentStore {
  private static final Pattern NAME = Pattern.compile("([0-9a-f]{16})\\.segment");
  private static final FileAttribute<?> OWNER_ONLY_FILE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final FileAttribute<?> OWNER_ONLY_DIRECTORY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  private static final int PID_BYTES_MAX = 32;

  private final Path directory;
  private final FileChannel lock;

  private SegmentDirectory(Path directory, FileChannel lock) {
    this.directory = directory;
    this.lock = lock;
  }

  /** The directory is in use by another process. */
  public static final class InUseException extends IOException {
    private static final long serialVersionUID = 1;

    private InUseException(Path directory, String pid) {
      super(
          "the write-back journal "
              + directory
              + " is in use by process "
              + pid
              + ": another mount of this file system, or one that is still uploading. Wait for it,"
              + " or give this mount a directory of its own: -o writeback_dir=DIR");
    }
  }

  /**
   * Takes the directory for this process, and makes it when it is missing.
   *
   * @throws InUseException when another process has it
   * @throws IOException one line for the user: what is wrong with the directory, and the remedy
   */
  public static SegmentDirectory open(Path directory) throws IOException {
    FileChannel channel;
    try {
      make(directory);
      requirePrivate(directory);
      channel =
          FileChannel.open(directory.resolve("lock"), Set.of(CREATE, READ, WRITE), OWNER_ONLY_FILE);
    } catch (AccessDeniedException e) {
      throw new IOException(
          "write-back journal "
              + directory
              + " cannot be written: change its owner, or choose"
              + " another with -o writeback_dir=DIR",
          e);
    } catch (FileAlreadyExistsException e) {
      throw unusable(directory, e.getFile() + " is not a directory", e);
    } catch (FileSystemException e) {
      throw unusable(directory, String.valueOf(e.getMessage()), e);
    }
    boolean taken = false;
    try {
      if (!tryLock(channel)) {
        throw new InUseException(directory, pid(channel));
      }
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap(
              Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.UTF_8)),
          0);
      taken = true;
      return new SegmentDirectory(directory, channel);
    } finally {
      if (!taken) {
        channel.close();
      }
    }
  }

  private static IOException unusable(Path directory, String why, IOException cause) {
    return new IOException(
        "write-back journal "
            + directory
            + " cannot be used: "
            + why
            + ". Choose another with -o writeback_dir=DIR",
        cause);
  }

  /** Makes a directory and what is missing above it, so that a power cut takes none of it away. */
  private static void make(Path directory) throws IOException {
    List<Path> changed = new ArrayList<>();
    Path at = directory.toAbsolutePath();
    while (at != null && !Files.exists(at)) {
      changed.add(at);
      at = at.getParent();
    }
    if (at != null) {
      changed.add(at);
    }
    Files.createDirectories(directory, OWNER_ONLY_DIRECTORY);
    for (Path made : changed) {
      force(made);
    }
  }

  private static boolean tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      return false; // another mount in this process
    }
  }

  private static String pid(FileChannel lock) throws IOException {
    ByteBuffer text = ByteBuffer.allocate(PID_BYTES_MAX);
    lock.read(text, 0);
    return StandardCharsets.UTF_8.decode(text.flip()).toString();
  }

  private static void requirePrivate(Path directory) throws IOException {
    Set<PosixFilePermission> allowed = Files.getPosixFilePermissions(directory, NOFOLLOW_LINKS);
    if (allowed.contains(PosixFilePermission.GROUP_WRITE)
        || allowed.contains(PosixFilePermission.OTHERS_WRITE)) {
      throw new IOException(
          "write-back journal "
              + directory
              + " is writable by other users: chmod 700 it, or choose another with"
              + " -o writeback_dir=DIR");
    }
  }

  /** Whether a file has the name of a segment. */
  public static boolean isSegment(Path file) {
    Path name = file.getFileName();
    return name != null && NAME.matcher(name.toString()).matches();
  }

  /**
   * Bytes of the segments that a directory holds, whoever uses it; 0 when it is not there or empty.
   *
   * @throws IOException one line for the user
   */
  public static long bytesIn(Path directory) throws IOException {
    try {
      long sum = 0;
      for (long number : numbers(directory)) {
        sum += size(directory.resolve(fileName(number)));
      }
      return sum;
    } catch (AccessDeniedException e) {
      throw new IOException(
          "write-back journal "
              + directory
              + " cannot be read by this user: change its owner, or choose another with"
              + " -o writeback_dir=DIR",
          e);
    }
  }

  private static long size(Path segment) throws IOException {
    try {
      return Files.size(segment);
    } catch (NoSuchFileException e) {
      return 0; // whoever uses it was done with it
    }
  }

  private static List<Long> numbers(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    List<Long> found = new ArrayList<>();
    try (Stream<Path> files = Files.list(directory)) {
      files
          .map(file -> NAME.matcher(file.getFileName().toString()))
          .filter(name -> name.matches())
          .forEach(name -> found.add(Long.parseUnsignedLong(name.group(1), 16)));
    }
    found.sort(null);
    return found;
  }

  private static String fileName(long number) {
    return String.format(Locale.ROOT, "%016x.segment", number);
  }

  @Override
  public List<Long> list() throws IOException {
    return numbers(directory);
  }

  @Override
  public Segment create(long number) throws IOException {
    FileChannel channel =
        FileChannel.open(file(number), Set.of(CREATE_NEW, READ, WRITE), OWNER_ONLY_FILE);
    try {
      force(directory);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    return new FileSegment(channel);
  }

  @Override
  public Segment open(long number) throws IOException {
    return new FileSegment(FileChannel.open(file(number), READ, WRITE));
  }

  @Override
  public void delete(long number) throws IOException {
    Files.deleteIfExists(file(number));
    force(directory);
  }

  private Path file(long number) {
    return directory.resolve(fileName(number));
  }

  @Override
  public String name() {
    return directory.toString();
  }

  @Override
  public void close() throws IOException {
    lock.close();
  }

  /** fsync(2) of a directory: names that came and went in it. */
  private static void force(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, READ)) {
      channel.force(true);
    }
  }

  private static final class FileSegment implements Segment {
    private final FileChannel channel;

    FileSegment(FileChannel channel) {
      this.channel = channel;
    }

    @Override
    public long size() throws IOException {
      return channel.size();
    }

    @Override
    public void append(List<ByteBuffer> buffers) throws IOException {
      ByteBuffer[] all = buffers.toArray(ByteBuffer[]::new);
      long left = buffers.stream().mapToLong(ByteBuffer::remaining).sum();
      channel.position(channel.size());
      while (left > 0) {
        left -= channel.write(all);
      }
    }

    @Override
    public void force() throws IOException {
      channel.force(false);
    }

    @Override
    public void truncate(long size) throws IOException {
      channel.truncate(size);
      channel.force(true);
    }

    @Override
    public void read(long offset, ByteBuffer dst) throws IOException {
      long at = offset;
      while (dst.hasRemaining()) {
        int count = channel.read(dst, at);
        if (count < 0) {
          throw new EOFException("the segment ends at " + at);
        }
        at += count;
      }
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}

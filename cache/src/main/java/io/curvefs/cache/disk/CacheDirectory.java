package io.curvefs.cache.disk;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardOpenOption.READ;

import io.curvefs.cache.BlockId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The files of one namespace: {@code <directory>/<namespace>/<xx>/<slice>_<index>_<length>}, where
 * {@code xx} is the low byte of slice + index in hex. A file appears by rename, complete or not at
 * all (short of a crash of the machine). Other processes may add and remove files at any time.
 * Thread-safe.
 */
final class CacheDirectory {
  static final String TEMPORARY_SUFFIX = ".tmp";

  private static final Pattern NAME = Pattern.compile("(\\d{1,19})_(\\d{1,10})_(\\d{1,10})");
  private static final FileAttribute<?> OWNER_ONLY_FILE = permissions("rw-------");
  private static final FileAttribute<?> OWNER_ONLY_DIRECTORY = permissions("rwx------");

  private final Path root;

  /** Tells the temporary files of this process from those of others. */
  private final String writer = UUID.randomUUID().toString();

  private final AtomicLong temporaries = new AtomicLong();

  private final NewFile newFile = new NewFile(OWNER_ONLY_FILE);

  private CacheDirectory(Path root) {
    this.root = root;
  }

  /**
   * Opens the directory of a namespace, and makes what is missing.
   *
   * @throws IOException with a message for the user, if the directory cannot be used or trusted
   */
  static CacheDirectory open(Path directory, UUID namespace) throws IOException {
    Path root = directory.resolve(namespace.toString());
    try {
      if (!Files.exists(directory, NOFOLLOW_LINKS)) {
        Files.createDirectories(directory, OWNER_ONLY_DIRECTORY);
      }
      requireOwn(directory);
      makeDirectory(root);
      requireOwn(root);
    } catch (AccessDeniedException e) {
      throw new IOException(
          "cache directory " + directory + " is not writable: change its owner, or choose another",
          e);
    }
    return new CacheDirectory(root);
  }

  private static void requireOwn(Path directory) throws IOException {
    String remedy = null;
    if (Files.isSymbolicLink(directory)) {
      remedy = "is a symbolic link: give the directory that it points to";
    } else if (!Files.isDirectory(directory, NOFOLLOW_LINKS)) {
      remedy = "is not a directory: choose another";
    } else {
      UserPrincipal owner = Files.getOwner(directory, NOFOLLOW_LINKS);
      UserPrincipal self = ownerOfNewFile(directory);
      Set<PosixFilePermission> allowed = Files.getPosixFilePermissions(directory, NOFOLLOW_LINKS);
      if (!owner.equals(self)) {
        remedy =
            "belongs to user "
                + owner.getName()
                + ", not to "
                + self.getName()
                + ": choose another";
      } else if (allowed.contains(PosixFilePermission.GROUP_WRITE)
          || allowed.contains(PosixFilePermission.OTHERS_WRITE)) {
        remedy = "is writable by other users: chmod 700 it, or choose another";
      }
    }
    if (remedy != null) {
      throw new IOException("cache directory " + directory + " " + remedy);
    }
  }

  /** Who this process is in the eyes of the directory's file system. */
  private static UserPrincipal ownerOfNewFile(Path directory) throws IOException {
    Path probe = directory.resolve(".owner-" + UUID.randomUUID() + TEMPORARY_SUFFIX);
    Files.createFile(probe, OWNER_ONLY_FILE);
    try {
      return Files.getOwner(probe, NOFOLLOW_LINKS);
    } finally {
      Files.deleteIfExists(probe);
    }
  }

  /** The directory that holds the namespace. */
  Path root() {
    return root;
  }

  Path pathOf(BlockId id) {
    int shard = (int) (id.slice() + id.index()) & 0xff;
    return root.resolve("%02x".formatted(shard)).resolve(id.toString());
  }

  /** The block that a file is named after, or null for any other file. */
  static @Nullable BlockId blockNamed(String fileName) {
    Matcher name = NAME.matcher(fileName);
    if (!name.matches()) {
      return null;
    }
    try {
      BlockId id =
          new BlockId(
              Long.parseLong(name.group(1)),
              Integer.parseInt(name.group(2)),
              Integer.parseInt(name.group(3)));
      return id.toString().equals(fileName) ? id : null; // no leading zeros
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /**
   * Opens the block's file for reading.
   *
   * @throws NoSuchFileException if there is none
   */
  FileChannel open(BlockId id) throws IOException {
    return FileChannel.open(pathOf(id), Set.of(READ, NOFOLLOW_LINKS));
  }

  /** Writes the block's file, in place of an older one. On failure nothing is left behind. */
  void write(BlockId id, List<ByteBuffer> content, ByteBuffer tail) throws IOException {
    Path path = pathOf(id);
    Path temporary =
        path.resolveSibling("." + writer + "-" + temporaries.incrementAndGet() + TEMPORARY_SUFFIX);
    boolean renamed = false;
    try {
      try {
        newFile.write(temporary, content, tail);
      } catch (NoSuchFileException e) {
        makeDirectory(Objects.requireNonNull(path.getParent()));
        newFile.write(temporary, content, tail);
      }
      Files.move(temporary, path, ATOMIC_MOVE);
      renamed = true;
    } finally {
      if (!renamed) {
        discard(temporary);
      }
    }
  }

  /** What cannot be deleted now goes at the next start. */
  private static void discard(Path temporary) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      // The failure that led here is the one to report.
    }
  }

  /** Whether there was a file to delete. */
  boolean delete(BlockId id) throws IOException {
    return Files.deleteIfExists(pathOf(id));
  }

  /** Names of the sub-directories that hold files. */
  List<Path> shards() throws IOException {
    return list(root, "[0-9a-f][0-9a-f]");
  }

  /** All files of a sub-directory; none if it is gone. */
  static List<Path> filesOf(Path shard) throws IOException {
    return list(shard, "*");
  }

  private static List<Path> list(Path directory, String glob) throws IOException {
    try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, glob)) {
      List<Path> paths = new ArrayList<>();
      found.forEach(paths::add);
      return paths;
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    } catch (NoSuchFileException e) {
      return List.of();
    }
  }

  private static void makeDirectory(Path directory) throws IOException {
    try {
      Files.createDirectory(directory, OWNER_ONLY_DIRECTORY);
    } catch (FileAlreadyExistsException e) {
      // Another thread or process was faster.
    }
  }

  private static FileAttribute<?> permissions(String text) {
    return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(text));
  }
}

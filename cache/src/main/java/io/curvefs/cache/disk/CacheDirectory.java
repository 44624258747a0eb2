package io.curvefs.cache.disk;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.DELETE_ON_CLOSE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import io.curvefs.cache.BlockId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The files of one namespace, below {@code <directory>/<namespace>/}:
 *
 * <ul>
 *   <li>{@code blocks/<xx>/<slice>_<index>_<length>}: a block; {@code xx} is the low byte of slice
 *       + index in hex. It gets this name once it is complete (short of a crash of the machine) and
 *       there is none yet. Its owner may write to it, unless it is pinned.
 *   <li>{@code mounts/<uuid>}: a process that uses the directory, see {@link Presence}.
 *   <li>{@code files/}: left for files that are cached whole; nobody here looks into it.
 * </ul>
 *
 * Other processes may add and remove files at any time. Thread-safe.
 */
final class CacheDirectory {
  static final String TEMPORARY_SUFFIX = ".tmp";

  /** More than others can come and go with the same block while it is given back. */
  private static final int GIVE_BACK_ATTEMPTS_MAX = 16;

  private static final FileAttribute<?> OWNER_ONLY_FILE = permissions("rw-------");
  private static final FileAttribute<?> OWNER_ONLY_DIRECTORY = permissions("rwx------");
  private static final Set<PosixFilePermission> PINNED =
      PosixFilePermissions.fromString("r--------");

  private final Path root;
  private final Path blocks;
  private final Presence presence;

  /** Tells the temporary files of this process from those of others. */
  private final String writer = UUID.randomUUID().toString();

  private final AtomicLong temporaries = new AtomicLong();

  private final NewFile newFile = new NewFile(OWNER_ONLY_FILE);

  private CacheDirectory(Path root) {
    this.root = root;
    this.blocks = root.resolve("blocks");
    this.presence = new Presence(root.resolve("mounts"), writer);
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
      makeDirectory(root.resolve("blocks"));
      makeDirectory(root.resolve("mounts"));
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

  /** Who else uses it. */
  Presence presence() {
    return presence;
  }

  /** The sub-directory of a block, 0 to 255. */
  static int shardOf(BlockId id) {
    return (int) (id.slice() + id.index()) & 0xff;
  }

  Path pathOf(BlockId id) {
    return pathOf(shardOf(id)).resolve(id.toString());
  }

  /** A sub-directory, 0 to 255, that may not be there. */
  Path pathOf(int shard) {
    return blocks.resolve("%02x".formatted(shard));
  }

  /** The block that a file is named after, or null for any other file. */
  static @Nullable BlockId blockNamed(String fileName) {
    int first = fileName.indexOf('_');
    int second = fileName.indexOf('_', first + 1);
    if (first < 0 || second < 0) {
      return null;
    }
    try {
      BlockId id =
          new BlockId(
              Long.parseLong(fileName, 0, first, 10),
              Integer.parseInt(fileName, first + 1, second, 10),
              Integer.parseInt(fileName, second + 1, fileName.length(), 10));
      return id.toString().equals(fileName) ? id : null; // no leading zeros
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** Whether the block's file is there and as long as it should be. */
  boolean has(BlockId id) {
    return pathOf(id).toFile().length() == BlockFormat.fileBytes(id);
  }

  /**
   * Opens the block's file for reading.
   *
   * @throws NoSuchFileException if there is none
   */
  FileChannel open(BlockId id) throws IOException {
    return FileChannel.open(pathOf(id), Set.of(READ, NOFOLLOW_LINKS));
  }

  /**
   * Writes the block's file. One that is there and whole stays, with its pin, for a block never
   * changes. On failure nothing is left behind.
   *
   * @return whether the file that is there now is pinned
   */
  boolean write(BlockId id, List<ByteBuffer> content, ByteBuffer tail, boolean pinned)
      throws IOException {
    Path temporary = newTemporary(id);
    try {
      try {
        newFile.write(temporary, content, tail);
      } catch (NoSuchFileException e) {
        Files.createDirectories(
            Objects.requireNonNull(temporary.getParent()), OWNER_ONLY_DIRECTORY); // the first
        newFile.write(temporary, content, tail);
      }
      if (pinned) {
        Files.setPosixFilePermissions(temporary, PINNED);
      }
      while (true) {
        try {
          putInPlace(temporary, pathOf(id));
          return pinned;
        } catch (FileAlreadyExistsException e) { // another process was faster
          if (keepWhole(id) && (!pinned || pin(id))) {
            return isPinned(id);
          }
        }
      }
    } finally {
      discard(temporary);
    }
  }

  /** Whether the block's file is there and whole; a torn one is deleted. */
  private boolean keepWhole(BlockId id) throws IOException {
    return has(id)
        || deleteUnless(id, is -> is.size() == BlockFormat.fileBytes(id)) == Deletion.KEPT;
  }

  private Path newTemporary(BlockId id) {
    return pathOf(id)
        .resolveSibling("." + writer + "-" + temporaries.incrementAndGet() + TEMPORARY_SUFFIX);
  }

  /**
   * Gives a file its name, unless there is one of that name. May leave the old name behind.
   *
   * @throws FileAlreadyExistsException if there is
   */
  private static void putInPlace(Path temporary, Path path) throws IOException {
    try {
      Files.createLink(path, temporary);
    } catch (FileAlreadyExistsException | NoSuchFileException e) {
      throw e;
    } catch (FileSystemException | UnsupportedOperationException e) { // knows no second names
      if (Files.exists(path, NOFOLLOW_LINKS)) {
        throw new FileAlreadyExistsException(path.toString());
      }
      Files.move(temporary, path, ATOMIC_MOVE);
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

  /**
   * Makes the block's file one that no process evicts.
   *
   * @return false if it is not there, or is just being taken away
   */
  boolean pin(BlockId id) throws IOException {
    try {
      Files.setPosixFilePermissions(pathOf(id), PINNED);
    } catch (NoSuchFileException e) {
      return false;
    }
    return has(id); // who took it away before it was pinned has deleted it, or does now
  }

  /** Whether a file is pinned. */
  static boolean isPinned(PosixFileAttributes attributes) {
    return attributes.permissions().equals(PINNED);
  }

  /** Whether the block's file is there and pinned, be it by another process. */
  boolean isPinned(BlockId id) throws IOException {
    try {
      return isPinned(Files.readAttributes(pathOf(id), PosixFileAttributes.class, NOFOLLOW_LINKS));
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /** What became of a file that was to be deleted. */
  enum Deletion {
    DELETED,
    KEPT,
    ABSENT
  }

  /** Deletes the block's file unless it is pinned, be it by another process at this moment. */
  Deletion deleteUnpinned(BlockId id) throws IOException {
    return isPinned(id) ? Deletion.KEPT : deleteUnless(id, CacheDirectory::isPinned);
  }

  /**
   * Looks at the file under a name that only this thread knows, where nobody pins it any more, and
   * deletes it or gives it back.
   */
  private Deletion deleteUnless(BlockId id, Predicate<PosixFileAttributes> keep)
      throws IOException {
    Path path = pathOf(id);
    Path aside = newTemporary(id);
    try {
      Files.move(path, aside, ATOMIC_MOVE);
    } catch (NoSuchFileException e) {
      return Deletion.ABSENT;
    }
    boolean pinned = false;
    boolean deleted = false;
    try {
      PosixFileAttributes is =
          Files.readAttributes(aside, PosixFileAttributes.class, NOFOLLOW_LINKS);
      pinned = isPinned(is);
      deleted = !keep.test(is) && Files.deleteIfExists(aside);
    } finally {
      if (!deleted) {
        giveBack(id, aside, pinned);
      }
    }
    return deleted ? Deletion.DELETED : Deletion.KEPT;
  }

  private void giveBack(BlockId id, Path aside, boolean pinned) throws IOException {
    try {
      for (int attempt = 0; attempt < GIVE_BACK_ATTEMPTS_MAX; attempt++) {
        try {
          putInPlace(aside, pathOf(id));
          return;
        } catch (FileAlreadyExistsException e) { // written anew meanwhile
          if (!pinned || pin(id)) {
            return;
          }
        }
      }
    } finally {
      discard(aside);
    }
  }

  /** Whether there was a file to delete. */
  boolean delete(BlockId id) throws IOException {
    return Files.deleteIfExists(pathOf(id));
  }

  /** Writes a file, waits until the device has it, reads it and deletes it. */
  void probe() throws IOException {
    Path file = blocks.resolveSibling("." + writer + "-probe" + TEMPORARY_SUFFIX);
    try (FileChannel channel =
        FileChannel.open(file, Set.of(CREATE, READ, WRITE, DELETE_ON_CLOSE), OWNER_ONLY_FILE)) {
      channel.write(ByteBuffer.allocate(1), 0);
      channel.force(true);
      channel.read(ByteBuffer.allocate(1), 0);
    }
  }

  /** All files of a directory; none if it is not there. */
  static List<Path> filesOf(Path directory) throws IOException {
    try (DirectoryStream<Path> found = Files.newDirectoryStream(directory)) {
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

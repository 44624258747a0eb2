package io.curvefs.client.fuse.jnr;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.curvefs.client.fuse.jnr.Callbacks.Place;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.MetaClient;
import io.curvefs.client.vfs.Vfs;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.FileType;
import io.curvefs.proto.SetXattr;
import io.curvefs.time.WallClock;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What each request of the kernel comes to in the VFS. Thread-safe. */
final class Operations {
  private static final Logger log = LoggerFactory.getLogger(Operations.class);

  /** The kernel's number for the root of the mount, whichever directory that is. */
  private static final long KERNEL_ROOT = 1;

  /** O_ACCMODE and its O_RDONLY, open(2). */
  private static final int ACCESS_MODE = 3;

  private static final int READ_ONLY = 0;

  /** O_APPEND. */
  private static final int APPEND = 02000;

  /** XATTR_CREATE and XATTR_REPLACE, setxattr(2). */
  private static final int XATTR_CREATE = 1;

  private static final int XATTR_REPLACE = 2;

  /** FALLOC_FL_KEEP_SIZE and FALLOC_FL_PUNCH_HOLE, fallocate(2). */
  private static final int KEEP_SIZE = 1;

  private static final int PUNCH_HOLE = 2;

  /** struct fuse_dirent without the name: ino, off, namelen, type. */
  private static final int DIRENT_BYTES = 24;

  /** A bucket has no end; df needs a total all the same: 1 PiB, 2^40 files. */
  private static final long TOTAL_BYTES = 1L << 50;

  private static final long TOTAL_FILES = 1L << 40;

  private final Vfs vfs;
  private final Replies replies;
  private final FuseMetrics metrics;
  private final WallClock clock;
  private final Invalidator invalidator;
  private final @Nullable PageInvalidator unopened;

  /** Makes the kernel ask again for an inode's attributes. */
  @FunctionalInterface
  interface Invalidator {
    void forgetAttributes(long kernelInode);
  }

  /**
   * @param unopened told which pages are stale, by a mount whose kernel does not ask to open files;
   *     null: it asks
   */
  Operations(
      Vfs vfs,
      Replies replies,
      FuseMetrics metrics,
      WallClock clock,
      Invalidator invalidator,
      @Nullable PageInvalidator unopened) {
    this.vfs = vfs;
    this.replies = replies;
    this.metrics = metrics;
    this.clock = clock;
    this.invalidator = invalidator;
    this.unopened = unopened;
  }

  @FunctionalInterface
  private interface Work {
    void run() throws IOException;
  }

  /** Carries out a request; one that fails is answered with its errno. */
  private void run(Place operation, long request, Work work) {
    long begun = System.nanoTime();
    try {
      work.run();
    } catch (
        Throwable
            failure) { // nothing may be thrown into libfuse, and each request needs its answer
      replies.error(request, Errnos.of(operation, failure));
    } finally {
      metrics.done(operation, System.nanoTime() - begun);
    }
  }

  /**
   * Ends an open that its caller does not get. The request may be answered and freed already, so
   * that a failure goes to the log and never into another answer.
   */
  private static void takeBack(Place operation, Work release) {
    try {
      release.run();
    } catch (IOException | RuntimeException e) {
      log.error("{}: an open whose caller is gone could not be ended", operation, e);
    }
  }

  void install(Callbacks callbacks) {
    callbacks.set(Place.LOOKUP, this::lookup);
    callbacks.set(Place.GETATTR, this::getattr);
    callbacks.set(Place.SETATTR, this::setattr);
    callbacks.set(Place.READLINK, this::readlink);
    callbacks.set(Place.MKNOD, this::mknod);
    callbacks.set(Place.MKDIR, this::mkdir);
    callbacks.set(Place.UNLINK, this::unlink);
    callbacks.set(Place.RMDIR, this::rmdir);
    callbacks.set(Place.SYMLINK, this::symlink);
    callbacks.set(Place.RENAME, this::rename);
    callbacks.set(Place.LINK, this::link);
    callbacks.set(Place.OPEN, this::open);
    callbacks.set(Place.READ, this::read);
    callbacks.set(Place.WRITE, this::write);
    callbacks.set(Place.FLUSH, this::flush);
    callbacks.set(Place.RELEASE, this::release);
    callbacks.set(Place.FSYNC, this::fsync);
    callbacks.set(Place.OPENDIR, this::opendir);
    callbacks.set(Place.READDIR, this::readdir);
    callbacks.set(Place.RELEASEDIR, this::releasedir);
    callbacks.set(Place.FSYNCDIR, this::fsyncdir);
    callbacks.set(Place.STATFS, this::statfs);
    callbacks.set(Place.SETXATTR, this::setxattr);
    callbacks.set(Place.GETXATTR, this::getxattr);
    callbacks.set(Place.LISTXATTR, this::listxattr);
    callbacks.set(Place.REMOVEXATTR, this::removexattr);
    callbacks.set(Place.CREATE, this::create);
    callbacks.set(Place.FALLOCATE, this::fallocate);
  }

  private InodeId inode(long kernelInode) {
    return kernelInode == KERNEL_ROOT ? vfs.root() : new InodeId(kernelInode);
  }

  private static ByteString name(long address) {
    return UnsafeByteOperations.unsafeWrap(Memory.string(address));
  }

  // ---- names ----

  private void lookup(long request, long parent, long nameAddress) {
    run(
        Place.LOOKUP,
        request,
        () -> {
          Attributes found;
          try {
            found = attributes(vfs.lookup(inode(parent), name(nameAddress)));
          } catch (RefusedException e) {
            if (e.refusal() != Refusal.ENOENT) {
              throw e;
            }
            replies.absent(request);
            return;
          }
          replies.entry(request, found);
        });
  }

  private void mknod(long request, long parent, long nameAddress, long mode, long device) {
    run(
        Place.MKNOD,
        request,
        () ->
            replies.entry(
                request,
                vfs.make(
                    replies.caller(request),
                    inode(parent),
                    name(nameAddress),
                    StatLayout.typeOf((int) mode),
                    StatLayout.permissions((int) mode),
                    (int) device)));
  }

  private void mkdir(long request, long parent, long nameAddress, long mode) {
    run(
        Place.MKDIR,
        request,
        () ->
            replies.entry(
                request,
                vfs.make(
                    replies.caller(request),
                    inode(parent),
                    name(nameAddress),
                    FileType.DIRECTORY,
                    StatLayout.permissions((int) mode),
                    0)));
  }

  private void symlink(long request, long target, long parent, long nameAddress) {
    run(
        Place.SYMLINK,
        request,
        () ->
            replies.entry(
                request,
                vfs.symlink(
                    replies.caller(request), inode(parent), name(nameAddress), name(target))));
  }

  private void link(long request, long inode, long newParent, long newName) {
    run(
        Place.LINK,
        request,
        () -> replies.entry(request, vfs.link(inode(inode), inode(newParent), name(newName))));
  }

  private void unlink(long request, long parent, long nameAddress) {
    run(
        Place.UNLINK,
        request,
        () -> {
          vfs.unlink(inode(parent), name(nameAddress));
          replies.done(request);
        });
  }

  private void rmdir(long request, long parent, long nameAddress) {
    run(
        Place.RMDIR,
        request,
        () -> {
          vfs.removeDirectory(inode(parent), name(nameAddress));
          replies.done(request);
        });
  }

  private void rename(long request, long parent, long nameAddress, long newParent, long newName) {
    run(
        Place.RENAME,
        request,
        () -> {
          vfs.rename(inode(parent), name(nameAddress), inode(newParent), name(newName));
          replies.done(request);
        });
  }

  private void readlink(long request, long inode) {
    run(
        Place.READLINK,
        request,
        () -> replies.link(request, vfs.readLink(inode(inode)).toByteArray()));
  }

  // ---- attributes ----

  private void getattr(long request, long inode, long fileInfo) {
    run(Place.GETATTR, request, () -> replies.attributes(request, attributes(inode(inode))));
  }

  /** Attributes as they are now; pages of older content are gone when somebody sees them. */
  private Attributes attributes(InodeId inode) throws RefusedException {
    Attributes found = vfs.attributes(inode);
    if (unopened != null) {
      unopened.await();
    }
    return found;
  }

  private void setattr(long request, long inode, long stat, long toSet, long fileInfo) {
    run(
        Place.SETATTR,
        request,
        () -> {
          long id = inode(inode).value();
          vfs.setAttributes(StatLayout.read(id, stat, (int) toSet, clock.now()));
          replies.attributes(request, vfs.attributes(inode(inode)));
        });
  }

  private void statfs(long request, long inode) {
    run(
        Place.STATFS,
        request,
        () -> {
          MetaClient.Usage usage = vfs.usage();
          long total = usage.bytesMax() == 0 ? TOTAL_BYTES : usage.bytesMax();
          replies.usage(request, total, usage.bytes(), TOTAL_FILES, usage.inodes());
        });
  }

  // ---- files ----

  void create(long request, long parent, long nameAddress, long mode, long fileInfo) {
    run(
        Place.CREATE,
        request,
        () -> {
          Vfs.Opened opened =
              vfs.createOpen(
                  replies.caller(request),
                  inode(parent),
                  name(nameAddress),
                  StatLayout.permissions((int) mode));
          long handle = opened.handle();
          boolean stands = false;
          try {
            Attributes attributes = vfs.attributes(vfs.inodeOf(handle));
            stands = replies.created(request, fileInfo, handle, attributes);
          } finally {
            if (!stands) {
              takeBack(Place.CREATE, () -> vfs.release(handle));
            }
          }
        });
  }

  private static Vfs.Access access(int flags) {
    if ((flags & ACCESS_MODE) == READ_ONLY) {
      return Vfs.Access.READ;
    }
    return (flags & APPEND) != 0 ? Vfs.Access.APPEND : Vfs.Access.WRITE;
  }

  void open(long request, long inode, long fileInfo) {
    run(
        Place.OPEN,
        request,
        () -> {
          if (unopened != null) {
            replies.notThere(request); // and the kernel does not ask again
            return;
          }
          Vfs.Access access = access(Replies.flags(fileInfo));
          Vfs.Opened opened = vfs.open(inode(inode), access);
          if (opened.lengthChanged()) {
            invalidator.forgetAttributes(inode);
          }
          boolean stands =
              access == Vfs.Access.READ
                  ? replies.openedToRead(request, fileInfo, opened.handle(), opened.keepPages())
                  : replies.opened(request, fileInfo, opened.handle(), opened.keepPages());
          if (!stands) {
            takeBack(Place.OPEN, () -> vfs.release(opened.handle()));
          }
        });
  }

  private void read(long request, long inode, long size, long offset, long fileInfo) {
    run(
        Place.READ,
        request,
        () -> {
          ByteBuffer data = replies.dataBuffer();
          data.limit((int) Math.min(size, data.capacity()));
          if (unopened != null) {
            vfs.readUnopened(inode(inode), offset, data);
          } else {
            vfs.read(Replies.handle(fileInfo), offset, data);
          }
          metrics.read(data.position());
          replies.data(request);
        });
  }

  private void write(long request, long inode, long buffer, long size, long offset, long fileInfo) {
    run(
        Place.WRITE,
        request,
        () -> {
          int written =
              vfs.write(Replies.handle(fileInfo), offset, Memory.buffer(buffer, (int) size));
          metrics.written(written);
          replies.written(request, written);
        });
  }

  private void flush(long request, long inode, long fileInfo) {
    run(
        Place.FLUSH,
        request,
        () -> {
          if (unopened != null) {
            replies.notThere(request);
            return;
          }
          vfs.flush(Replies.handle(fileInfo));
          replies.done(request);
        });
  }

  private void fsync(long request, long inode, long dataOnly, long fileInfo) {
    run(
        Place.FSYNC,
        request,
        () -> {
          if (unopened == null) {
            vfs.flush(Replies.handle(fileInfo));
          }
          replies.done(request);
        });
  }

  /**
   * Only holes are made. Space needs not be asked for beforehand: who does, and is told that this
   * is not supported, writes zeros (posix_fallocate(3)).
   */
  private void fallocate(
      long request, long inode, long mode, long offset, long length, long fileInfo) {
    run(
        Place.FALLOCATE,
        request,
        () -> {
          if ((int) mode != (PUNCH_HOLE | KEEP_SIZE)) {
            throw new RefusedException(Refusal.EOPNOTSUPP);
          }
          vfs.punchHole(Replies.handle(fileInfo), offset, length);
          replies.done(request);
        });
  }

  private void release(long request, long inode, long fileInfo) {
    run(
        Place.RELEASE,
        request,
        () -> {
          vfs.release(Replies.handle(fileInfo));
          replies.done(request);
        });
  }

  // ---- directories ----

  void opendir(long request, long inode, long fileInfo) {
    run(
        Place.OPENDIR,
        request,
        () -> {
          long handle = vfs.openDirectory(inode(inode));
          if (!replies.opened(request, fileInfo, handle, false)) {
            takeBack(Place.OPENDIR, () -> vfs.releaseDirectory(handle));
          }
        });
  }

  private void readdir(long request, long inode, long size, long offset, long fileInfo) {
    run(
        Place.READDIR,
        request,
        () -> {
          ByteBuffer data = replies.dataBuffer().order(ByteOrder.nativeOrder());
          data.limit((int) Math.min(size, data.capacity()));
          vfs.readDirectory(
              Replies.handle(fileInfo),
              offset,
              (name, child, type, next) -> putEntry(data, name, child, type, next));
          replies.data(request);
        });
  }

  /** One struct fuse_dirent, padded to 8 bytes. */
  private static boolean putEntry(
      ByteBuffer data, ByteString name, InodeId inode, FileType type, long next) {
    int bytes = (DIRENT_BYTES + name.size() + 7) & ~7;
    if (data.remaining() < bytes) {
      return false;
    }
    int end = data.position() + bytes;
    data.putLong(inode.value());
    data.putLong(next);
    data.putInt(name.size());
    data.putInt(StatLayout.typeBits(type) >> 12);
    name.copyTo(data);
    while (data.position() < end) {
      data.put((byte) 0);
    }
    return true;
  }

  private void releasedir(long request, long inode, long fileInfo) {
    run(
        Place.RELEASEDIR,
        request,
        () -> {
          vfs.releaseDirectory(Replies.handle(fileInfo));
          replies.done(request);
        });
  }

  /** Names are in the raft log before any operation on them is answered. */
  private void fsyncdir(long request, long inode, long dataOnly, long fileInfo) {
    run(Place.FSYNCDIR, request, () -> replies.done(request));
  }

  // ---- extended attributes ----

  private void setxattr(
      long request, long inode, long nameAddress, long value, long size, long flags) {
    run(
        Place.SETXATTR,
        request,
        () -> {
          ByteString bytes =
              size == 0 ? ByteString.EMPTY : ByteString.copyFrom(Memory.buffer(value, (int) size));
          vfs.setXattr(
              replies.asker(request),
              SetXattr.newBuilder()
                  .setInode(inode(inode).value())
                  .setName(name(nameAddress))
                  .setValue(bytes)
                  .setMustBeNew((flags & XATTR_CREATE) != 0)
                  .setMustExist((flags & XATTR_REPLACE) != 0));
          replies.done(request);
        });
  }

  private void getxattr(long request, long inode, long nameAddress, long size) {
    run(
        Place.GETXATTR,
        request,
        () ->
            replyXattr(
                request,
                size,
                List.of(vfs.xattr(replies.asker(request), inode(inode), name(nameAddress)))));
  }

  private void listxattr(long request, long inode, long size) {
    run(
        Place.LISTXATTR,
        request,
        () -> {
          ByteString nul = ByteString.copyFrom(new byte[1]);
          replyXattr(
              request,
              size,
              vfs.xattrNames(inode(inode)).stream().map(name -> name.concat(nul)).toList());
        });
  }

  /** As getxattr(2): the size when asked with size 0, ERANGE when it does not fit. */
  private void replyXattr(long request, long size, List<ByteString> parts) throws RefusedException {
    int bytes = parts.stream().mapToInt(ByteString::size).sum();
    if (size == 0) {
      replies.xattrBytes(request, bytes);
      return;
    }
    if (bytes > size || bytes > Replies.DATA_BYTES_MAX) {
      throw new RefusedException(Refusal.ERANGE);
    }
    ByteBuffer data = replies.dataBuffer();
    parts.forEach(part -> part.copyTo(data));
    replies.data(request);
  }

  private void removexattr(long request, long inode, long nameAddress) {
    run(
        Place.REMOVEXATTR,
        request,
        () -> {
          vfs.removeXattr(inode(inode), name(nameAddress));
          replies.done(request);
        });
  }
}

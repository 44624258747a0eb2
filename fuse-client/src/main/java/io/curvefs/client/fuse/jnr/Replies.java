package io.curvefs.client.fuse.jnr;

import io.curvefs.client.meta.Attributes;
import io.curvefs.client.vfs.Caller;
import io.curvefs.client.vfs.ControlAttributes;
import io.curvefs.error.Refusal;
import java.nio.ByteBuffer;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.Struct;
import ru.serce.jnrfuse.struct.FuseFileInfo;
import ru.serce.jnrfuse.struct.Statvfs;

/**
 * Answers to requests of the kernel. Each request is answered exactly once. Thread-safe: every
 * thread has scratch memory of its own.
 */
final class Replies {
  /** struct fuse_entry_param: ino, generation, attr, attr_timeout, entry_timeout. */
  private static final int ENTRY_ATTR = 16;

  private static final int ENTRY_BYTES = ENTRY_ATTR + StatLayout.BYTES + 16;

  /** Most bytes of one read or write, and of what a directory listing asks for at once. */
  static final int DATA_BYTES_MAX = 1 << 20;

  /** Only asked for its offsets. */
  private static final FuseFileInfo FILE_INFO =
      FuseFileInfo.of(Pointer.wrap(Runtime.getSystemRuntime(), 0L));

  private static final long FLAGS = FILE_INFO.flags.offset();
  private static final long HANDLE = FILE_INFO.fh.offset();

  /** The bit field that jnr-fuse models as padding lies just before the handle. */
  private static final long BITS = HANDLE - 4;

  private static final int KEEP_CACHE = 1 << 1;

  /** struct fuse_open_out of the kernel: handle, flags, padding. */
  private static final int OPEN_OUT_BYTES = 16;

  private static final int FOPEN_KEEP_CACHE = 1 << 1;

  /** Since Linux 5.16, which libfuse 2 does not know; older kernels pass it over. */
  private static final int FOPEN_NO_FLUSH = 1 << 5;

  private static final int USAGE_BLOCK_BYTES = 4096;

  /** Of errno(3). */
  private static final int ENOSYS = 38;

  private static final int NAME_BYTES_MAX = 255;

  /** Supplementary groups that are looked at; more are very rare. */
  private static final int GROUPS_MAX = 1024;

  private final LibFuse libFuse;
  private final double attributeSeconds;
  private final double entrySeconds;
  private final double negativeSeconds;
  private final IntConsumer failed;
  private final ThreadLocal<Scratch> scratch = ThreadLocal.withInitial(Scratch::new);

  /** Memory of one thread. */
  private static final class Scratch {
    final long entry = Memory.allocate(ENTRY_BYTES);
    final long statvfs = Memory.allocate(Struct.size(new Statvfs(Runtime.getSystemRuntime())));
    final long data = Memory.allocateUntouched(DATA_BYTES_MAX);
    final ByteBuffer dataBuffer = Memory.buffer(data, DATA_BYTES_MAX);
  }

  /**
   * @param failed hears of each errno before it is answered
   */
  Replies(
      LibFuse libFuse,
      double attributeSeconds,
      double entrySeconds,
      double negativeSeconds,
      IntConsumer failed) {
    this.libFuse = libFuse;
    this.failed = failed;
    this.attributeSeconds = attributeSeconds;
    this.entrySeconds = entrySeconds;
    this.negativeSeconds = negativeSeconds;
  }

  void error(long request, int errno) {
    failed.accept(errno);
    libFuse.fuse_reply_err(request, errno);
  }

  /** There is no such operation: the kernel does without, and never asks for it again. */
  void notThere(long request) {
    libFuse.fuse_reply_err(request, ENOSYS);
  }

  void done(long request) {
    libFuse.fuse_reply_err(request, 0);
  }

  void entry(long request, Attributes attributes) {
    libFuse.fuse_reply_entry(request, entry(attributes));
  }

  private long entry(Attributes attributes) {
    long entry = scratch.get().entry;
    Memory.putLong(entry, attributes.id().value());
    Memory.putLong(entry + 8, 0); // ids are never used again, so there is one generation
    StatLayout.write(entry + ENTRY_ATTR, attributes);
    Memory.putDouble(entry + ENTRY_ATTR + StatLayout.BYTES, attributeSeconds);
    Memory.putDouble(entry + ENTRY_ATTR + StatLayout.BYTES + 8, entrySeconds);
    return entry;
  }

  /** No such name; the kernel may remember that. */
  void absent(long request) {
    if (negativeSeconds <= 0) {
      error(request, Refusal.ENOENT.code());
      return;
    }
    failed.accept(Refusal.ENOENT.code());
    long entry = scratch.get().entry;
    Memory.clear(entry, ENTRY_BYTES);
    Memory.putDouble(entry + ENTRY_ATTR + StatLayout.BYTES + 8, negativeSeconds);
    libFuse.fuse_reply_entry(request, entry);
  }

  void attributes(long request, Attributes attributes) {
    long stat = scratch.get().entry + ENTRY_ATTR;
    StatLayout.write(stat, attributes);
    libFuse.fuse_reply_attr(request, stat, attributeSeconds);
  }

  void link(long request, byte[] target) {
    long data = scratch.get().data;
    Memory.putString(data, target);
    libFuse.fuse_reply_readlink(request, data);
  }

  /**
   * @return whether the open stands; if not, the caller that asked is gone
   */
  boolean opened(long request, long fileInfo, long handle, boolean keepPages) {
    setHandle(fileInfo, handle, keepPages);
    return libFuse.fuse_reply_open(request, fileInfo) == 0;
  }

  /** As {@link #opened}, for who cannot write: the kernel need not flush at each close. */
  boolean openedToRead(long request, long fileInfo, long handle, boolean keepPages) {
    setHandle(fileInfo, handle, keepPages);
    long out = scratch.get().entry;
    Memory.putLong(out, handle);
    Memory.putInt(out + 8, keepPages ? FOPEN_KEEP_CACHE | FOPEN_NO_FLUSH : FOPEN_NO_FLUSH);
    Memory.putInt(out + 12, 0);
    return libFuse.fuse_reply_buf(request, out, OPEN_OUT_BYTES) == 0;
  }

  /** See {@link #opened}. */
  boolean created(long request, long fileInfo, long handle, Attributes attributes) {
    setHandle(fileInfo, handle, true);
    return libFuse.fuse_reply_create(request, entry(attributes), fileInfo) == 0;
  }

  private static void setHandle(long fileInfo, long handle, boolean keepPages) {
    Memory.putLong(fileInfo + HANDLE, handle);
    int bits = Memory.getInt(fileInfo + BITS);
    Memory.putInt(fileInfo + BITS, keepPages ? bits | KEEP_CACHE : bits & ~KEEP_CACHE);
  }

  static long handle(long fileInfo) {
    return Memory.getLong(fileInfo + HANDLE);
  }

  /** O_ flags of open(2). */
  static int flags(long fileInfo) {
    return Memory.getInt(fileInfo + FLAGS);
  }

  void written(long request, int count) {
    libFuse.fuse_reply_write(request, count);
  }

  /** This thread's buffer for {@link #data}, empty and writable to its end. */
  ByteBuffer dataBuffer() {
    return scratch.get().dataBuffer.clear();
  }

  /** Answers with what has been put into {@link #dataBuffer}. */
  void data(long request) {
    Scratch own = scratch.get();
    libFuse.fuse_reply_buf(request, own.data, own.dataBuffer.position());
  }

  void xattrBytes(long request, int count) {
    libFuse.fuse_reply_xattr(request, count);
  }

  /** How full the file system is; see statvfs(3). */
  void usage(long request, long totalBytes, long usedBytes, long totalFiles, long usedFiles) {
    long address = scratch.get().statvfs;
    Statvfs statvfs = Statvfs.of(Pointer.wrap(Runtime.getSystemRuntime(), address));
    statvfs.f_bsize.set(USAGE_BLOCK_BYTES);
    statvfs.f_frsize.set(USAGE_BLOCK_BYTES);
    long total = totalBytes / USAGE_BLOCK_BYTES;
    long used = (usedBytes + USAGE_BLOCK_BYTES - 1) / USAGE_BLOCK_BYTES;
    statvfs.f_blocks.set(total);
    statvfs.f_bfree.set(Math.max(0, total - used));
    statvfs.f_bavail.set(Math.max(0, total - used));
    statvfs.f_files.set(totalFiles);
    statvfs.f_ffree.set(Math.max(0, totalFiles - usedFiles));
    statvfs.f_favail.set(Math.max(0, totalFiles - usedFiles));
    statvfs.f_namemax.set(NAME_BYTES_MAX);
    libFuse.fuse_reply_statfs(request, address);
  }

  /** Who asks: struct fuse_ctx begins with uid and gid. */
  Caller caller(long request) {
    long context = libFuse.fuse_req_ctx(request);
    return new Caller(Memory.getInt(context), Memory.getInt(context + 4));
  }

  /** The same, with all of its groups: they are looked up once somebody asks for one. */
  ControlAttributes.Asker asker(long request) {
    Caller caller = caller(request);
    return new ControlAttributes.Asker() {
      @Override
      public int uid() {
        return caller.uid();
      }

      @Override
      public boolean isIn(int gid) {
        if (caller.gid() == gid) {
          return true;
        }
        int[] groups = new int[GROUPS_MAX];
        int count = Math.min(GROUPS_MAX, libFuse.fuse_req_getgroups(request, GROUPS_MAX, groups));
        return IntStream.range(0, Math.max(0, count)).anyMatch(i -> groups[i] == gid);
      }
    };
  }
}

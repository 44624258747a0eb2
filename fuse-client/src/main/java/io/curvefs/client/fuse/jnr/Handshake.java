package io.curvefs.client.fuse.jnr;

import java.io.IOException;

/**
 * The first request of the kernel, INIT, in which both sides say what they can do. libfuse 2.9
 * answers it as of protocol 7.19, and neither asks for requests of more than 128 KiB nor has room
 * for them. Everything else it does suits longer ones too. So its channel is given room, and what
 * is missing in its answer is added on the way: it is made to answer into a pipe. See struct
 * fuse_init_in and fuse_init_out of linux/fuse.h.
 */
final class Handshake {
  /** Requests may have as many pages as the answer says, since Linux 4.20. */
  private static final int MAX_PAGES = 1 << 22;

  /** Names of one directory may be looked up at the same time, since Linux 4.7. */
  private static final int PARALLEL_DIROPS = 1 << 18;

  private static final int PAGE_BYTES = 4096;

  /** Of the headers of a request. */
  private static final int HEADERS_BYTES_MAX = 4096;

  /** The kernel takes no shorter memory for a request (FUSE_MIN_READ_BUFFER). */
  private static final int FIRST_REQUEST_BYTES = 8192;

  /**
   * Where libfuse 2.9 keeps what {@link LibFuse#fuse_chan_bufsize} tells: behind three functions,
   * the session and the descriptor.
   */
  private static final int ROOM = 5 * Long.BYTES;

  /** struct fuse_in_header; then fuse_init_in: major, minor, max_readahead, flags, ... */
  private static final int IN_HEADER_BYTES = 40;

  private static final int IN_FLAGS = IN_HEADER_BYTES + 12;

  /** struct fuse_out_header: len, error, unique. */
  private static final int OUT_HEADER_BYTES = 16;

  private static final int OUT_LENGTH = 0;
  private static final int OUT_ERROR = 4;

  /** Of fuse_init_out as a whole, since 7.23; libfuse answers with the first 24. */
  private static final int INIT_OUT_BYTES = 64;

  private static final int OUT_FLAGS = OUT_HEADER_BYTES + 12;
  private static final int OUT_MAX_WRITE = OUT_HEADER_BYTES + 20;

  /** Two shorts: max_pages, map_alignment. */
  private static final int OUT_MAX_PAGES = OUT_HEADER_BYTES + 28;

  private final LibFuse libFuse;
  private final long session;
  private final long channel;

  Handshake(LibFuse libFuse, long session, long channel) {
    this.libFuse = libFuse;
    this.session = session;
    this.channel = channel;
  }

  /**
   * Room for longer requests, if this libfuse is as we know it; else it stays as it is.
   *
   * @return whether there is
   */
  private boolean makeRoom(long bytes) {
    long before = libFuse.fuse_chan_bufsize(channel);
    if (Memory.getLong(channel + ROOM) != before) {
      return false;
    }
    Memory.putLong(channel + ROOM, bytes);
    if (libFuse.fuse_chan_bufsize(channel) != bytes) {
      Memory.putLong(channel + ROOM, before);
      return false;
    }
    return true;
  }

  /**
   * Reads the request and answers it. Must come before any other request is read.
   *
   * @param dataBytesMax of one read or write, where the kernel and this libfuse can do that much; a
   *     multiple of the page size
   * @throws IOException when the kernel has let go of the mount, or takes no answer
   */
  void run(int dataBytesMax) throws IOException {
    boolean hasRoom = makeRoom(dataBytesMax + HEADERS_BYTES_MAX);
    long buffer = Memory.allocate(FIRST_REQUEST_BYTES);
    long holder = Memory.allocate(Long.BYTES);
    Memory.putLong(holder, channel);
    int received = libFuse.fuse_chan_recv(holder, buffer, FIRST_REQUEST_BYTES);
    if (received <= IN_FLAGS) {
      throw new IOException(
          "the kernel has given the mount up (" + received + "): unmount it, and mount again");
    }
    int offered = Memory.getInt(buffer + IN_FLAGS);
    int[] pipe = new int[2];
    if (libFuse.pipe(pipe) != 0) {
      throw new IOException("there is no pipe: too many open files, see ulimit -n");
    }
    long aside = libFuse.fuse_kern_chan_new(pipe[1]);
    try {
      libFuse.fuse_session_process(session, buffer, received, aside);
      long length = OUT_HEADER_BYTES + INIT_OUT_BYTES;
      Memory.clear(buffer, length);
      long answered = libFuse.read(pipe[0], buffer, length);
      if (answered <= OUT_MAX_WRITE) {
        throw new IOException(
            "libfuse has not taken the kernel's first request ("
                + answered
                + "): install libfuse 2.9 (Debian, Ubuntu: libfuse2)");
      }
      if (hasRoom && Memory.getInt(buffer + OUT_ERROR) == 0 && (offered & MAX_PAGES) != 0) {
        Memory.putInt(buffer + OUT_LENGTH, (int) length);
        Memory.putInt(
            buffer + OUT_FLAGS,
            Memory.getInt(buffer + OUT_FLAGS) | (offered & (MAX_PAGES | PARALLEL_DIROPS)));
        Memory.putInt(buffer + OUT_MAX_WRITE, dataBytesMax);
        Memory.putInt(buffer + OUT_MAX_PAGES, dataBytesMax / PAGE_BYTES);
        answered = length;
      }
      if (libFuse.write(libFuse.fuse_chan_fd(channel), buffer, answered) != answered) {
        throw new IOException(
            "the kernel does not take the answer to its first request: the kernel's log may say why");
      }
    } finally {
      libFuse.fuse_chan_destroy(aside); // closes its end of the pipe
      libFuse.close(pipe[0]);
    }
  }
}

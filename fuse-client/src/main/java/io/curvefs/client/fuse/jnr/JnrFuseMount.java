package io.curvefs.client.fuse.jnr;

import io.curvefs.client.accesslog.AccessLog;
import io.curvefs.client.vfs.Vfs;
import io.curvefs.time.WallClock;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import jnr.ffi.LibraryLoader;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A mount through libfuse 2, with longer requests than it knows ({@link Handshake}): its session is
 * served by our own threads, not by libfuse's, which start and end all the time and would pay for
 * it in the JVM. Mounted from construction until the kernel lets go.
 */
public final class JnrFuseMount {
  private static final Logger log = LoggerFactory.getLogger(JnrFuseMount.class);

  /** struct fuse_args: argc, argv, allocated. */
  private static final int ARGS_BYTES = 24;

  private static final int MAX_BACKGROUND = 64;

  private final LibFuse libFuse;
  private final Path mountPoint;
  private final Callbacks callbacks;
  private final long channel;
  private final long session;
  private final CountDownLatch served;
  private final @Nullable PageInvalidator invalidator;

  /**
   * Mounts.
   *
   * @param accessLog gets a line for each request; null: none
   * @throws IOException when libfuse is missing or refuses; the message says what to do
   */
  public JnrFuseMount(
      Path mountPoint,
      Vfs vfs,
      FuseOptions options,
      WallClock clock,
      MeterRegistry registry,
      @Nullable AccessLog accessLog)
      throws IOException {
    this.mountPoint = mountPoint;
    this.libFuse = load();
    AccessTrace trace =
        accessLog == null ? null : new AccessTrace(accessLog, libFuse, InstantSource.system());
    this.callbacks = new Callbacks(trace);
    Replies replies =
        new Replies(
            libFuse,
            seconds(options.attributeTimeout()),
            seconds(options.entryTimeout()),
            seconds(options.negativeTimeout()),
            trace == null ? errno -> {} : trace::failed);
    long args = arguments(options);
    this.channel = libFuse.fuse_mount(mountPoint.toString(), args);
    if (channel == 0) {
      throw new IOException(
          "cannot mount on "
              + mountPoint
              + ": libfuse's reason is above; it must be an empty directory, and /dev/fuse usable");
    }
    this.invalidator = options.noOpen() ? new PageInvalidator(this::dropPages) : null;
    if (invalidator != null) {
      vfs.tellStalePages(invalidator);
    }
    new Operations(
            vfs, replies, new FuseMetrics(registry), clock, this::forgetAttributes, invalidator)
        .install(callbacks);
    this.session = libFuse.fuse_lowlevel_new(args, callbacks.address(), Callbacks.BYTES, 0);
    if (session == 0) {
      libFuse.fuse_unmount(mountPoint.toString(), channel);
      throw new IOException(
          "libfuse does not take the mount options " + options.more() + ": its reason is above");
    }
    libFuse.fuse_session_add_chan(session, channel);
    shakeHands();
    this.served = new CountDownLatch(options.threads());
    for (int i = 0; i < options.threads(); i++) {
      Thread thread = new Thread(this::serve, "fuse-" + i);
      thread.setDaemon(true);
      thread.start();
    }
  }

  private static LibFuse load() throws IOException {
    try {
      return LibraryLoader.create(LibFuse.class).failImmediately().load("libfuse.so.2");
    } catch (UnsatisfiedLinkError e) {
      throw new IOException(
          "libfuse 2 is missing: install it (Debian, Ubuntu: apt-get install libfuse2 fuse)", e);
    }
  }

  private static double seconds(Duration duration) {
    return duration.toNanos() / 1e9;
  }

  private static long arguments(FuseOptions options) {
    List<String> all = new ArrayList<>();
    all.add("fsname=" + options.source());
    all.add("subtype=curvefs");
    all.add("default_permissions");
    all.add("big_writes");
    all.add("max_write=" + Replies.DATA_BYTES_MAX);
    all.add("max_read=" + Replies.DATA_BYTES_MAX);
    all.add("max_readahead=" + Replies.DATA_BYTES_MAX);
    all.add("max_background=" + MAX_BACKGROUND);
    if (options.readOnly()) {
      all.add("ro");
    }
    if (options.allowOther()) {
      all.add("allow_other");
    }
    all.addAll(options.more());
    List<String> arguments = List.of("curvefs", "-o", String.join(",", all));
    long argv = Memory.allocate(8L * (arguments.size() + 1));
    for (int i = 0; i < arguments.size(); i++) {
      byte[] text = arguments.get(i).getBytes(StandardCharsets.UTF_8);
      long address = Memory.allocate(text.length + 1L);
      Memory.putString(address, text);
      Memory.putLong(argv + 8L * i, address);
    }
    long args = Memory.allocate(ARGS_BYTES);
    Memory.putInt(args, arguments.size());
    Memory.putLong(args + 8, argv);
    return args;
  }

  private void shakeHands() throws IOException {
    boolean done = false;
    try {
      new Handshake(libFuse, session, channel).run(Replies.DATA_BYTES_MAX);
      done = true;
    } finally {
      if (!done) {
        libFuse.fuse_unmount(mountPoint.toString(), channel);
      }
    }
  }

  private void serve() {
    try {
      libFuse.fuse_session_loop(session);
    } finally {
      served.countDown();
    }
  }

  /**
   * The kernel asks again for attributes, and with them for the length, when it next needs them.
   */
  private void forgetAttributes(long kernelInode) {
    notifyKernel(kernelInode, -1);
  }

  /** The same, and all pages are dropped; waits for reads of them that are under way. */
  private void dropPages(long kernelInode) {
    notifyKernel(kernelInode, 0);
  }

  private void notifyKernel(long kernelInode, long offset) {
    int result = libFuse.fuse_lowlevel_notify_inval_inode(channel, kernelInode, offset, 0);
    if (result != 0) {
      log.debug("inode {} is not in the kernel: {}", kernelInode, result);
    }
  }

  /** Waits until the kernel has let go of the mount and every request is answered. */
  public void awaitUnmounted() throws InterruptedException {
    served.await();
    if (invalidator != null) {
      invalidator.close();
    }
  }

  /** Takes the mount out of the tree, even when files are open, and waits for the last request. */
  public void unmount() {
    libFuse.fuse_session_exit(session);
    libFuse.fuse_unmount(mountPoint.toString(), channel);
  }
}

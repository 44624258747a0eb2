package io.curvefs.client.mount;

import com.google.protobuf.ByteString;
import io.curvefs.cache.page.PagePool;
import io.curvefs.client.accesslog.AccessLog;
import io.curvefs.client.content.Contents;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.client.fuse.jnr.FuseOptions;
import io.curvefs.client.fuse.jnr.JnrFuseMount;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.MetaClient;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.vfs.Vfs;
import io.curvefs.client.vfs.VfsOptions;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.metrics.MetricsEndpoint;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.Session;
import io.curvefs.time.WallClock;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One mount, from its options to its end. */
public final class MountProcess implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(MountProcess.class);
  private static final Duration CONNECT_MAX = Duration.ofSeconds(15);

  /** Memory for blocks that are on their way into the cache or out of it. */
  private static final long PASSING_BYTES = 32L << 20;

  /** How long files that are open at SIGTERM are still served. */
  private static final Duration GRACE = Duration.ofSeconds(10);

  /** How long an unmounted file system goes on uploading its write-back journal. */
  private static final Duration UPLOAD_MAX = Duration.ofMinutes(4);

  private static final Duration UPLOAD_LOOK = Duration.ofSeconds(1);

  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final Path mountPoint;
  private final JnrFuseMount fuse;
  private final Contents data;
  private final MountWarmup warmup;
  private final CountDownLatch ended = new CountDownLatch(1);

  /** What is in the write-back journal stays there at the end, for the next mount. */
  private volatile boolean leaveStaged;

  private MountProcess(
      MountSpec spec, Path mountPoint, MountOptions options, PrometheusMeterRegistry registry)
      throws IOException {
    this.mountPoint = MountPoint.prepare(mountPoint);
    boolean mounted = false;
    try {
      if (options.metrics() != null) {
        MetricsEndpoint metrics =
            opened(MetricsEndpoint.start(options.metrics(), registry, "option metrics"));
        log.info("metrics of {} are at {}", this.mountPoint, metrics.url());
      }
      AccessLog accessLog =
          options.accessLog() == null ? null : opened(accessLog(options.accessLog()));
      MetaClient meta = opened(connect(spec, options, registry));
      FileSystem fileSystem = meta.fileSystem();
      NamespaceClient namespace = new NamespaceClient(meta, options.meta());
      PagePool pool =
          new PagePool(options.writeBufferBytes() + options.memoryCacheBytes() + PASSING_BYTES);
      WriteBuffer writeBuffer = new WriteBuffer(pool, options.writeBufferBytes());
      Vfs.Seen seen = new Vfs.Seen();
      DataPath path =
          opened(
              fileSystem.hasVolumeStorage()
                  ? VolumeDataPath.open(namespace, options, writeBuffer, seen.listener())
                  : ObjectDataPath.open(namespace, options, pool, writeBuffer, seen.listener()));
      this.data = path.contents();
      InodeId root = root(namespace, options);
      MountControl control =
          new MountControl(path.place(), accessLog == null ? "" : accessLog.file().toString());
      Vfs vfs =
          new Vfs(
              namespace,
              data,
              seen,
              control,
              new VfsOptions(root, options.readOnly(), options.readAheadBytes()));
      opened(vfs::closeUnopened);
      this.warmup =
          opened(
              new MountWarmup(
                  namespace,
                  path,
                  root,
                  this.mountPoint,
                  MountWarmup.directory(
                      options.diskCache().directories().get(0),
                      fileSystem.getUuid(),
                      this.mountPoint),
                  options.readOnly(),
                  PASSING_BYTES,
                  registry));
      vfs.listen(warmup);
      path.register(registry);
      MountStatistics statistics =
          new MountStatistics(registry, pool, writeBuffer, vfs, data, accessLog);
      control.wire(
          statistics::values,
          memoryOnly -> {
            path.drop(memoryOnly);
            if (!memoryOnly) {
              vfs.forgetCached();
            }
          },
          warmup,
          data::staged,
          () -> leaveStaged = true);
      this.fuse =
          new JnrFuseMount(
              this.mountPoint,
              vfs,
              new FuseOptions(
                  spec.display(),
                  options.meta().attributeTimeout(),
                  options.meta().entryTimeout(),
                  options.meta().negativeTimeout(),
                  options.readOnly(),
                  options.noOpen(),
                  options.allowOther(),
                  options.threads(),
                  options.passed()),
              WallClock.SYSTEM,
              registry,
              accessLog);
      warmup.start();
      mounted = true;
    } finally {
      if (!mounted) {
        closeAll();
      }
    }
    log.info("{} is mounted on {}", spec.display(), this.mountPoint);
  }

  /**
   * Mounts. When this returns the mount serves.
   *
   * @throws IOException one line that names what is wrong and the remedy
   */
  public static MountProcess start(
      MountSpec spec, Path mountPoint, MountOptions options, PrometheusMeterRegistry registry)
      throws IOException {
    return new MountProcess(spec, mountPoint, options, registry);
  }

  private MetaClient connect(MountSpec spec, MountOptions options, MeterRegistry registry)
      throws RefusedException {
    Session description =
        Session.newBuilder()
            .setHost(hostName())
            .setMountPoint(mountPoint.toString())
            .setPid(ProcessHandle.current().pid())
            .setReadOnly(options.readOnly())
            .build();
    return MetaClient.connect(
        spec.servers(),
        spec.fileSystem(),
        description,
        options.meta(),
        CONNECT_MAX,
        WallClock.SYSTEM,
        registry);
  }

  private AccessLog accessLog(Path file) throws IOException {
    if (file.normalize().startsWith(mountPoint)) {
      throw new IOException(
          "option access_log=" + file + " lies in the mount itself: each line would make another");
    }
    try {
      return AccessLog.open(file);
    } catch (IOException e) {
      throw new IOException("option access_log=" + file + " cannot be written: " + e, e);
    }
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown";
    }
  }

  private static InodeId root(NamespaceClient namespace, MountOptions options) throws IOException {
    InodeId at = InodeId.ROOT;
    for (String name : options.subDirectory().split("/")) {
      if (name.isEmpty()) {
        continue;
      }
      try {
        at = namespace.child(at, ByteString.copyFromUtf8(name));
      } catch (RefusedException e) {
        throw new IOException(
            "option subdir=" + options.subDirectory() + ": '" + name + "': " + e.getMessage(), e);
      }
    }
    Attributes attributes = namespace.attributes(at);
    if (!attributes.isDirectory()) {
      throw new IOException("option subdir=" + options.subDirectory() + " is not a directory");
    }
    return at;
  }

  private <T extends AutoCloseable> T opened(T resource) {
    open.push(resource);
    return resource;
  }

  /** Waits for the unmount, then brings everything in order. */
  public void serve() throws InterruptedException {
    fuse.awaitUnmounted();
    close();
  }

  /**
   * Ends the mount as SIGTERM asks: no new opens, what is dirty is flushed, files that stay open
   * are served for a while yet. What is in the write-back journal stays there.
   */
  public void stop() throws IOException, InterruptedException {
    if (ended.getCount() == 0) {
      return;
    }
    leaveStaged = true;
    if (!MountPoint.unmount(mountPoint)) {
      log.warn("{} is in use; taking it out of the tree", mountPoint);
      data.flushAll();
      MountPoint.detach(mountPoint);
    }
    if (!ended.await(GRACE.toMillis(), TimeUnit.MILLISECONDS)) {
      log.warn("files of {} are still open; they will fail", mountPoint);
      close();
    }
  }

  @Override
  public synchronized void close() {
    if (ended.getCount() == 0) {
      return;
    }
    data.flushAll();
    closeWarmup();
    uploadStaged();
    closeAll();
    log.info("{} is unmounted", mountPoint);
    ended.countDown();
  }

  /**
   * First, so that it takes nothing from the uploads, and the next mount can go on with the jobs.
   */
  private void closeWarmup() {
    try {
      warmup.close();
    } catch (IOException e) {
      log.warn("closing the warmups failed", e);
    }
  }

  /** Uploads what is in the journal, unless it is to stay; says what stays. */
  private void uploadStaged() {
    long bound = System.nanoTime() + UPLOAD_MAX.toNanos();
    try {
      while (!leaveStaged && System.nanoTime() < bound) {
        if (data.awaitUploaded(UPLOAD_LOOK)) {
          break;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    data.staged()
        .filter(staged -> staged.blocks() > 0)
        .ifPresent(
            staged ->
                log.warn(
                    "{} files with {} bytes are not uploaded: they stay in {}, and the next mount"
                        + " of this file system on this host uploads them",
                    staged.files(),
                    staged.bytes(),
                    staged.directory()));
  }

  private void closeAll() {
    while (!open.isEmpty()) {
      AutoCloseable next = open.pop();
      try {
        next.close();
      } catch (Exception e) { // the others are to be closed all the same
        log.warn("closing {} failed", next, e);
      }
    }
  }
}

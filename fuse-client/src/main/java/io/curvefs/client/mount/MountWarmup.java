package io.curvefs.client.mount;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import io.curvefs.cache.LastingTiers;
import io.curvefs.client.content.Contents;
import io.curvefs.client.content.FileContent;
import io.curvefs.client.content.ReadStream;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.vfs.OpenListener;
import io.curvefs.client.warmup.CurveFsAttributes;
import io.curvefs.client.warmup.WarmupAttributes;
import io.curvefs.client.warmup.WarmupJobs;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The warmups of a mount. A mount whose jobs cannot be kept works all the same; whoever asks for
 * warmups then is refused, until they can. Thread-safe.
 */
final class MountWarmup implements OpenListener, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(MountWarmup.class);
  private static final String NOTHING_TO_WARM =
      "its files are on volumes, which mounts read directly: no cache is there to be filled";
  private static final int READ_BYTES = 1 << 20;
  private static final long OPEN_AGAIN_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final NamespaceClient namespace;
  private final Contents data;
  private final @Nullable LastingTiers tiers;
  private final InodeId root;
  private final Path mountPoint;
  private final Path directory;
  private final boolean readOnly;
  private final long bytesInFlightMax;
  private final MeterRegistry registry;

  private final WarmupRights rights;

  private volatile @Nullable Open open;

  @GuardedBy("this")
  private boolean closed;

  private record Open(WarmupJobs jobs, WarmupAttributes attributes, CurveFsAttributes curveFs) {}

  MountWarmup(
      NamespaceClient namespace,
      DataPath path,
      InodeId root,
      Path mountPoint,
      Path directory,
      boolean readOnly,
      long bytesInFlightMax,
      MeterRegistry registry)
      throws IOException {
    this.rights = WarmupRights.ofThisProcess(() -> namespace.attributes(root));
    this.namespace = namespace;
    this.data = path.contents();
    this.tiers = path.tiers();
    this.root = root;
    this.mountPoint = mountPoint;
    this.directory = directory;
    this.readOnly = readOnly;
    this.bytesInFlightMax = bytesInFlightMax;
    this.registry = registry;
  }

  /** Where the jobs of a mount point are kept. */
  static Path directory(Path cacheDirectory, String fileSystemUuid, Path mountPoint) {
    UUID name = UUID.nameUUIDFromBytes(mountPoint.toString().getBytes(StandardCharsets.UTF_8));
    return cacheDirectory.resolve("warmup").resolve(fileSystemUuid).resolve(name.toString());
  }

  /** Goes on with jobs of earlier mounts: now, or once that can be done. */
  void start() {
    String problem = problem();
    if (!problem.isEmpty() && tiers != null) {
      log.warn("no warmups for now: {}", problem);
      new DefaultThreadFactory("warmup-open", true).newThread(this::openLater).start();
    }
  }

  private void openLater() {
    try {
      while (!awaitClosed() && !problem().isEmpty()) {}
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits a while for the mount's end; true: it has come. */
  private synchronized boolean awaitClosed() throws InterruptedException {
    if (!closed) {
      TimeUnit.NANOSECONDS.timedWait(this, OPEN_AGAIN_NANOS);
    }
    return closed;
  }

  /** Why there can be no warmups now, in one line; empty: there can. */
  String problem() {
    try {
      open();
      return "";
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
    }
  }

  WarmupRights rights() {
    return rights;
  }

  private Open open() throws IOException {
    Open opened = open;
    return opened == null ? openNow() : opened;
  }

  private synchronized Open openNow() throws IOException {
    Open opened = open;
    if (opened != null) {
      return opened;
    }
    if (closed) {
      throw new IOException("the mount is ending");
    }
    LastingTiers filled = tiers;
    if (filled == null) {
      throw new IOException(NOTHING_TO_WARM);
    }
    WarmupJobs jobs =
        WarmupJobs.open(namespace, root, mountPoint, filled, directory, bytesInFlightMax, registry);
    opened =
        new Open(
            jobs,
            new WarmupAttributes(jobs, readOnly),
            new CurveFsAttributes(jobs, mountPoint.toString(), this::read));
    open = opened;
    return opened;
  }

  WarmupAttributes attributes() throws IOException {
    return open().attributes;
  }

  CurveFsAttributes curveFs() throws IOException {
    return open().curveFs;
  }

  @Override
  public void opened(InodeId inode) {
    Open opened = open;
    if (opened != null) {
      opened.jobs.opened(inode);
    }
  }

  @Override
  public void closed(InodeId inode) {
    Open opened = open;
    if (opened != null) {
      opened.jobs.closed(inode);
    }
  }

  private void read(InodeId inode, CurveFsAttributes.FileReader.Part part) throws IOException {
    if (!namespace.attributes(inode).isRegular()) {
      throw new RefusedException(Refusal.EINVAL);
    }
    NamespaceClient.Opened opened = namespace.open(inode);
    try {
      FileContent file = data.open(inode);
      try {
        file.opened(opened);
        Attributes attributes = file.withUncommitted(opened::attributes);
        ReadStream stream = file.stream(READ_BYTES);
        ByteBuffer buffer = ByteBuffer.allocateDirect(READ_BYTES);
        for (long at = 0; at < attributes.length(); at += buffer.position()) {
          buffer.clear();
          if (file.read(stream, at, buffer, attributes) == 0) {
            return;
          }
          part.take(ByteString.copyFrom(buffer.duplicate().flip()));
        }
      } finally {
        data.close(file);
      }
    } finally {
      namespace.close(inode);
    }
  }

  @Override
  public synchronized void close() throws IOException {
    closed = true;
    notifyAll();
    Open opened = open;
    if (opened != null) {
      opened.jobs.close();
    }
  }
}

package io.curvefs.client.vfs;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.client.content.Contents;
import io.curvefs.client.content.FileContent;
import io.curvefs.client.content.ReadStream;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Open files and their handles: all handles of a file share its bytes. Thread-safe. */
final class OpenFiles {
  private final NamespaceClient namespace;
  private final Contents data;
  private final long readAheadBytesMax;
  private final Handles<FileHandle> handles = new Handles<>();
  private volatile @Nullable OpenListener listener;

  @GuardedBy("this")
  private final Map<InodeId, Shared> files = new HashMap<>();

  private static final class Shared {
    final FileContent data;
    int handles;

    Shared(FileContent data) {
      this.data = data;
    }
  }

  /** One open(2). */
  static final class FileHandle {
    final FileContent data;
    final ReadStream stream;
    private final AtomicBoolean read = new AtomicBoolean();
    private long failuresReported;

    FileHandle(FileContent data, ReadStream stream) {
      this.data = data;
      this.stream = stream;
      this.failuresReported = data.failures();
    }

    /** True once: for the first read. */
    boolean beginsToRead() {
      return !read.get() && read.compareAndSet(false, true);
    }

    /**
     * A failure of writing is reported once to each handle that was open then, as errseq_t of Linux
     * does.
     */
    synchronized void reportFailure() throws RefusedException {
      long failures = data.failures();
      if (failures > failuresReported) {
        failuresReported = failures;
        throw new RefusedException(
            Refusal.EIO, "writing inode " + data.inode() + " has failed: the log has the cause");
      }
    }

    /** Returns once everything is safe; a failure on the way counts as reported. */
    void flush() throws IOException {
      try {
        data.flush();
      } catch (IOException e) {
        synchronized (this) {
          failuresReported = data.failures();
        }
        throw e;
      }
      reportFailure();
    }
  }

  OpenFiles(NamespaceClient namespace, Contents data, long readAheadBytesMax) {
    this.namespace = namespace;
    this.data = data;
    this.readAheadBytesMax = readAheadBytesMax;
  }

  void listen(OpenListener newListener) {
    listener = newListener;
  }

  /** A handle of a file that the metaserver knows to be open. */
  long add(NamespaceClient.Opened opened) {
    FileContent file;
    synchronized (this) {
      Shared shared =
          files.computeIfAbsent(opened.attributes().id(), inode -> new Shared(data.open(inode)));
      shared.handles++;
      file = shared.data;
    }
    file.opened(opened);
    OpenListener told = listener;
    if (told != null) {
      told.opened(file.inode());
    }
    return handles.add(new FileHandle(file, file.stream(readAheadBytesMax)));
  }

  FileHandle get(long handle) throws RefusedException {
    return handles.get(handle);
  }

  /** The file's bytes, when it is open here, or has some that are not committed. */
  @Nullable FileContent find(InodeId inode) {
    return data.find(inode);
  }

  /** Does something to a file's bytes, be it open or not. */
  <T> T withContent(InodeId inode, ContentWork<T> work) throws IOException {
    FileContent file = data.open(inode);
    try {
      return work.on(file);
    } finally {
      data.close(file);
    }
  }

  /** What is done to a file's bytes. */
  @FunctionalInterface
  interface ContentWork<T> {
    T on(FileContent file) throws IOException;
  }

  /** Whether files that are closed may have bytes that are not committed. */
  boolean mayHaveStaged() {
    return data.staged().map(usage -> usage.blocks() > 0).orElse(false);
  }

  /** Ends a handle. What the last one leaves unflushed is flushed. */
  void release(long handle) throws IOException {
    FileHandle released = handles.remove(handle);
    InodeId inode = released.data.inode();
    try {
      if (released.data.isDirty()) {
        released.flush();
      }
    } finally {
      boolean last = false;
      synchronized (this) {
        Shared shared = files.get(inode);
        if (shared != null && --shared.handles == 0) {
          files.remove(inode);
          data.close(shared.data);
          last = true;
        }
      }
      namespace.close(inode);
      OpenListener told = listener;
      if (last && told != null) {
        told.closed(inode);
      }
    }
  }

  int count() {
    return handles.size();
  }
}

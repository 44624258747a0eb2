package io.curvefs.client.data;

import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.staging.StagedBlock;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.SetAttributes;
import io.curvefs.slice.Layout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The bytes of one file that is open or has bytes in the journal, shared by all its handles.
 * Thread-safe.
 */
public final class FileData {
  private final InodeId inode;
  private final ChunkMap chunks;
  private final WriteState written;
  private final FileCommits commits;
  private final OrderedChanges changes;
  private final FileWriter writer;
  private final FileReader reader;

  /** What is run ahead must fit, or it would be dropped and the reader wait for each block. */
  private final long aheadBytesMax;

  FileData(FileStore store, InodeId inode, ContentListener listener) {
    this.inode = inode;
    this.aheadBytesMax = store.cache().aheadBytesMax() / Layout.BLOCK_BYTES * Layout.BLOCK_BYTES;
    this.chunks = new ChunkMap(store.namespace().meta(), inode, listener);
    this.written = new WriteState(store, inode, chunks);
    this.commits = new FileCommits(store, inode, chunks, written);
    this.changes = new OrderedChanges(store, inode, written, commits);
    this.writer = new FileWriter(store, inode, chunks, written, commits);
    this.reader = new FileReader(store, writer, chunks);
  }

  public InodeId inode() {
    return inode;
  }

  /** What an open has brought is news for the other handles too. */
  public void opened(NamespaceClient.Opened opened) {
    chunks.opened(opened.attributes(), opened.chunks());
  }

  /** A read of its own sequence: what is read ahead follows from it. */
  public ReadStream stream(long readAheadBytesMax) {
    return new ReadStream(Math.min(readAheadBytesMax, aheadBytesMax));
  }

  /**
   * Reads into dst, as much as fits and the file has.
   *
   * @param attributes as they look from this mount
   * @return bytes read; 0 at the end of the file
   */
  public int read(ReadStream stream, long offset, ByteBuffer dst, Attributes attributes)
      throws IOException {
    chunks.requireVersion(attributes.dataVersion());
    return reader.read(stream, offset, dst, attributes.length());
  }

  public void write(long offset, ByteBuffer src) throws IOException {
    writer.write(offset, src);
  }

  /**
   * Returns once everything written is safe: in the object store and committed, or in the
   * write-back journal.
   */
  public void flush() throws IOException {
    writer.flush();
  }

  /** Returns once everything written is in the object store and committed, for others to see. */
  public void drain() throws IOException {
    writer.drain();
  }

  /**
   * Changes attributes in order with what was written: neither the time nor the length of a write
   * overtakes those that are set after it.
   *
   * @param action does it at the metaserver
   */
  public Attributes setAttributes(SetAttributes.Builder set, AttributeSource action)
      throws IOException {
    boolean ordered = set.hasLength() || set.hasMtime() || set.hasAtime();
    if (!ordered || !isDirty()) {
      return action.get();
    }
    writer.flush();
    if (set.hasLength()) {
      if (set.getLength() == 0) {
        Optional<Attributes> emptied = changes.empty(action);
        if (emptied.isPresent()) {
          return emptied.get();
        }
      }
      writer.drain();
    } else if (set.hasMtime()) {
      changes.setTimes(set.getMtime());
    }
    return action.get();
  }

  /** The file's bytes were changed by something else than writes: a truncate, another mount. */
  public void changed() {
    chunks.forget();
  }

  /** Whether something is written that nobody else can see yet. */
  public boolean isDirty() {
    return written.uncommitted() != null;
  }

  /** Where attributes come from. */
  @FunctionalInterface
  public interface AttributeSource {
    Attributes get() throws RefusedException;
  }

  /**
   * The attributes as they look from this mount. What is uncommitted is noted before the attributes
   * are asked for: a commit in between is in the one or in the other.
   */
  public Attributes withUncommitted(AttributeSource committed) throws RefusedException {
    WriteState.Uncommitted uncommitted = written.uncommitted();
    Attributes attributes = committed.get();
    return uncommitted == null
        ? attributes
        : attributes.withUncommitted(
            Math.max(attributes.length(), uncommitted.end()),
            uncommitted.mtime(),
            uncommitted.changed());
  }

  /** Whether something is not committed yet. */
  boolean hasPending() {
    return written.hasPending();
  }

  /** Takes over what an earlier mount has left in the journal; {@link #settle} brings it on. */
  void recover(List<StagedBlock> blocks) {
    commits.recover(blocks);
  }

  /** Finds out what of it is committed, and sends the rest. */
  void settle() {
    commits.settle();
  }

  /**
   * The last handle is gone; what is neither committed nor in the journal by now is lost, and the
   * log says so.
   */
  void abandon() {
    writer.abandon();
  }

  void flushOlderThan(Duration age) {
    writer.flushOlderThan(age);
  }

  /** How often writing this file has failed. */
  public long failures() {
    return written.failures();
  }
}

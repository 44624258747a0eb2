package io.curvefs.client.data;

import io.curvefs.client.content.ContentListener;
import io.curvefs.client.content.FileContent;
import io.curvefs.client.content.ReadStream;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.staging.StagedBlock;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.ChunkExtents;
import io.curvefs.proto.CommitExtents;
import io.curvefs.proto.Extent;
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
public final class FileData implements FileContent {
  /** Chunks of one request that makes a hole. */
  private static final int HOLES_PER_REQUEST = 1000;

  private final InodeId inode;
  private final ChunkMap chunks;
  private final WriteState written;
  private final FileCommits commits;
  private final OrderedChanges changes;
  private final FileWriter writer;
  private final FileReader reader;
  private final FileStore store;

  /** What is run ahead must fit, or it would be dropped and the reader wait for each block. */
  private final long aheadBytesMax;

  FileData(FileStore store, InodeId inode, ContentListener listener) {
    this.inode = inode;
    this.store = store;
    this.aheadBytesMax = store.cache().aheadBytesMax() / Layout.BLOCK_BYTES * Layout.BLOCK_BYTES;
    this.chunks = new ChunkMap(store.namespace().meta(), inode, listener);
    this.written = new WriteState(store, inode, chunks);
    this.commits = new FileCommits(store, inode, chunks, written);
    this.changes = new OrderedChanges(store, inode, written, commits);
    this.writer = new FileWriter(store, inode, chunks, written, commits);
    this.reader = new FileReader(store, writer, chunks);
  }

  @Override
  public InodeId inode() {
    return inode;
  }

  @Override
  public void opened(NamespaceClient.Opened opened) {
    chunks.opened(opened.attributes(), opened.chunks());
  }

  @Override
  public ReadStream stream(long readAheadBytesMax) {
    return new ReadStream(Math.min(readAheadBytesMax, aheadBytesMax));
  }

  @Override
  public int read(ReadStream stream, long offset, ByteBuffer dst, Attributes attributes)
      throws IOException {
    chunks.requireVersion(attributes.dataVersion());
    return reader.read(stream, offset, dst, attributes.length());
  }

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    writer.write(offset, src);
  }

  @Override
  public void flush() throws IOException {
    writer.flush();
  }

  @Override
  public void drain() throws IOException {
    writer.drain();
  }

  @Override
  public Attributes setAttributes(SetAttributes.Builder set, AttributeSource action)
      throws IOException {
    boolean ordered = set.hasLength() || set.hasMtime() || set.hasAtime();
    if (!ordered || !written.hasPending()) {
      return action.get();
    }
    writer.flush();
    if (set.hasLength()) {
      if (set.getLength() == 0) {
        Optional<Attributes> emptied = changes.empty(set, action);
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

  @Override
  public Optional<Attributes> punchHole(long offset, long length) throws IOException {
    writer.flush();
    writer.drain();
    Attributes after = store.namespace().freshAttributes(inode);
    long end = Math.min(offset + length, after.length());
    if (offset >= end) {
      return Optional.empty();
    }
    for (long at = offset; at < end; ) {
      CommitExtents.Builder holes = CommitExtents.newBuilder().setInode(inode.value());
      for (int i = 0; i < HOLES_PER_REQUEST && at < end; i++) {
        int from = Layout.chunkOffset(at);
        int count = (int) Math.min(Layout.CHUNK_BYTES - from, end - at);
        holes.addChunks(
            ChunkExtents.newBuilder()
                .setIndex(Layout.chunkIndex(at))
                .addExtents(Extent.newBuilder().setChunkOffset(from).setLength(count)));
        at += count;
      }
      after = store.namespace().commit(holes);
    }
    chunks.forget();
    return Optional.of(after);
  }

  @Override
  public void changed() {
    chunks.forget();
  }

  @Override
  public boolean isDirty() {
    return written.uncommitted() != null;
  }

  @Override
  public Attributes withUncommitted(AttributeSource committed) throws RefusedException {
    written.awaitRecovered();
    WriteState.Uncommitted uncommitted = written.uncommitted();
    Attributes attributes = committed.get();
    return uncommitted == null
        ? attributes
        : attributes.withUncommitted(
            Math.max(attributes.length(), uncommitted.end()),
            uncommitted.mtime(),
            uncommitted.changed());
  }

  /** Whether it has to be kept although nobody has it open. */
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

  @Override
  public long failures() {
    return written.failures();
  }
}

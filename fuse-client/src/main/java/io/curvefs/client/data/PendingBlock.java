package io.curvefs.client.data;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.Page;
import io.curvefs.client.staging.StagedBlock;
import io.curvefs.proto.Extent;
import io.curvefs.proto.Timestamp;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One object on its way to the store, and the extents that will refer to it. Its file's lock guards
 * it.
 */
final class PendingBlock {
  /** Tag and length before an extent. */
  private static final int EXTENT_FRAME_BYTES = 2;

  final BlockId id;
  final int chunk;

  /** In order of their place in the file. */
  final List<Extent> extents;

  /** Where in the file the last byte of the block ends. */
  final long fileEnd;

  /** What the file's modification time becomes with it. */
  Timestamp mtime;

  /** When the last of its bytes was written. */
  final Timestamp changed;

  /** The bytes, until they are uploaded or safe in the journal; then null. */
  @Nullable Window window;

  /** In the journal, safe or not yet; 0: the block goes from memory to the object store. */
  long sequence;

  /** Of the journal, see {@link StagedBlock#writer}; 0: there is none. */
  long writer;

  /**
   * When this block is committed, what the journal has of the file up to this number is too, or is
   * not wanted. Also of one that goes through from memory: a disk that failed may show the next
   * mount what was never safe in it.
   */
  long mark;

  /** Safe in the journal. */
  boolean staged;

  boolean uploaded;

  /** The last attempt to upload it from the journal failed. */
  boolean uploadFailed;

  /** Was part of a commit that was sent, perhaps by an earlier mount. */
  boolean sent;

  /** Was handed on. */
  boolean dispatched;

  /** Nothing will ever refer to its object: who uploads it just now deletes it then. */
  boolean unwanted;

  PendingBlock(
      BlockId id,
      int chunk,
      List<Extent> extents,
      long fileEnd,
      Timestamp changed,
      @Nullable Window window) {
    this.id = id;
    this.chunk = chunk;
    this.extents = extents;
    this.fileEnd = fileEnd;
    this.mtime = changed;
    this.changed = changed;
    this.window = window;
  }

  /** A block that is safe in the journal. */
  static PendingBlock inJournal(StagedBlock safe) {
    PendingBlock block =
        new PendingBlock(
            safe.id(), safe.chunk(), safe.extents(), safe.fileEnd(), safe.staged(), null);
    block.mtime = safe.mtime();
    block.inJournal(safe.writer(), safe.sequence());
    return block;
  }

  private void inJournal(long itsWriter, long itsSequence) {
    writer = itsWriter;
    sequence = itsSequence;
    mark = itsSequence;
    staged = true;
  }

  /** What its extents take in a commit, with what is around each of them. */
  long commitBytes() {
    long bytes = 0;
    for (Extent extent : extents) {
      bytes += extent.getSerializedSize() + EXTENT_FRAME_BYTES;
    }
    return bytes;
  }

  boolean isInJournal() {
    return sequence != 0;
  }

  /**
   * The same bytes under a name that nobody has heard of, as a slice of their own.
   *
   * @param slice never used before
   */
  PendingBlock renamed(long slice) {
    BlockId newId = new BlockId(slice, 0, id.length());
    List<Extent> newExtents = new ArrayList<>(extents.size());
    int blockStart = id.index() * BlockId.BYTES_MAX;
    for (Extent extent : extents) {
      newExtents.add(
          extent.toBuilder()
              .setSlice(slice)
              .setSliceOffset(extent.getSliceOffset() - blockStart)
              .setSliceLength(id.length())
              .build());
    }
    PendingBlock block = new PendingBlock(newId, chunk, newExtents, fileEnd, changed, null);
    block.mtime = mtime;
    block.inJournal(writer, sequence);
    return block;
  }

  /** Whether some of the extents refer to this block's bytes. */
  boolean isReferredToBy(List<Extent> committed) {
    int from = extents.get(0).getSliceOffset();
    int to = from + id.length();
    for (Extent extent : committed) {
      if (extent.getSlice() == id.slice()
          && extent.getSliceOffset() < to
          && from < extent.getSliceOffset() + extent.getLength()) {
        return true;
      }
    }
    return false;
  }

  /** Fills dst from the bytes of the block; false when they are not here any more. */
  boolean read(int offset, ByteBuffer dst) {
    Window held = window;
    if (held == null) {
      return false;
    }
    int skip = offset;
    for (ByteBuffer piece : held.content()) {
      if (skip >= piece.remaining()) {
        skip -= piece.remaining();
        continue;
      }
      int count = Math.min(piece.remaining() - skip, dst.remaining());
      dst.put(piece.slice(skip, count));
      skip = 0;
      if (!dst.hasRemaining()) {
        return true;
      }
    }
    throw new IllegalStateException("read beyond block " + id);
  }

  List<Page> pages() {
    Window held = window;
    return held == null ? List.of() : held.pages();
  }
}

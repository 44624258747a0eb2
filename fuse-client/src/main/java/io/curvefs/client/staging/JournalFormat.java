package io.curvefs.client.staging;

import com.google.protobuf.InvalidProtocolBufferException;
import io.curvefs.proto.JournalRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a segment, all numbers big-endian.
 *
 * <pre>
 * segment: magic u64, version u32, file system (UUID) 16 bytes, number u64, CRC32C of these u32;
 *          then frames, one behind the other
 * frame:   magic u32, sequence u64, durable u64, record length u32, content length u32, CRC32C of the
 *          content u32, CRC32C of these fields and the record u32; the record ({@code JournalRecord});
 *          the content
 * </pre>
 *
 * A frame that is cut or damaged ends what can be read of its segment. {@code durable} tells how
 * much of the segment was forced before the frame was written: a broken frame that lies before that
 * was not cut by a crash. Pure.
 */
final class JournalFormat {
  static final int HEADER_BYTES = 40;
  static final int FRAME_BYTES = 36;

  /** Longest record: a block whose every other byte was written has a great many extents. */
  static final int RECORD_BYTES_MAX = 8 << 20;

  private static final long MAGIC = 0x4355_5256_4653_4A4EL; // CURVFSJN
  private static final int VERSION = 1;
  private static final int FRAME_MAGIC = 0x4A4E_4652; // JNFR
  private static final int CHECKED_BYTES = 32;
  private static final int COPY_BYTES = 64 << 10;

  private JournalFormat() {}

  /** Where bytes are read from. */
  @FunctionalInterface
  interface Bytes {
    void read(long offset, ByteBuffer dst) throws IOException;
  }

  /**
   * One whole frame.
   *
   * @param contentAt where in the segment its content begins
   * @param end where in the segment the next one begins
   */
  record Frame(
      long sequence,
      long durable,
      JournalRecord record,
      long contentAt,
      int contentBytes,
      int contentChecksum,
      long end) {}

  static ByteBuffer header(UUID fileSystem, long number) {
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
    header
        .putLong(MAGIC)
        .putInt(VERSION)
        .putLong(fileSystem.getMostSignificantBits())
        .putLong(fileSystem.getLeastSignificantBits())
        .putLong(number);
    return header.putInt(checksum(List.of(header.duplicate().flip()))).flip();
  }

  /** What the beginning of a segment tells. */
  enum Header {
    GOOD,
    /** Cut or damaged. */
    BROKEN,
    /** Whole, but of another file system. */
    OF_ANOTHER,
    /** Whole, but of a version that is not known here. */
    OF_ANOTHER_VERSION
  }

  static Header check(Bytes segment, long size, UUID fileSystem, long number) throws IOException {
    if (size < HEADER_BYTES) {
      return Header.BROKEN;
    }
    ByteBuffer found = ByteBuffer.allocate(HEADER_BYTES);
    segment.read(0, found);
    found.flip();
    int body = HEADER_BYTES - Integer.BYTES;
    if (found.getLong(0) != MAGIC
        || found.getInt(body) != checksum(List.of(found.slice(0, body)))) {
      return Header.BROKEN;
    }
    if (found.getInt(Long.BYTES) != VERSION) {
      return Header.OF_ANOTHER_VERSION;
    }
    return found.equals(header(fileSystem, number)) ? Header.GOOD : Header.OF_ANOTHER;
  }

  /**
   * What stands before the content: the fields and the record.
   *
   * @param contentChecksum {@link #checksum} of the content
   */
  static ByteBuffer frame(
      long sequence,
      long durable,
      JournalRecord record,
      List<ByteBuffer> content,
      int contentChecksum) {
    int contentBytes = content.stream().mapToInt(ByteBuffer::remaining).sum();
    int recordBytes = record.getSerializedSize();
    ByteBuffer frame = ByteBuffer.allocate(FRAME_BYTES + recordBytes);
    frame
        .putInt(FRAME_MAGIC)
        .putLong(sequence)
        .putLong(durable)
        .putInt(recordBytes)
        .putInt(contentBytes)
        .putInt(contentChecksum);
    ByteBuffer encoded = ByteBuffer.wrap(record.toByteArray());
    frame.putInt(checksum(List.of(frame.slice(0, CHECKED_BYTES), encoded.duplicate())));
    return frame.put(encoded).flip();
  }

  /**
   * The frame that begins at an offset; null when there is no whole one.
   *
   * @param size of the segment
   * @throws IOException when the segment cannot be read
   */
  static @Nullable Frame next(Bytes segment, long at, long size) throws IOException {
    if (size - at < FRAME_BYTES) {
      return null;
    }
    ByteBuffer head = ByteBuffer.allocate(FRAME_BYTES);
    segment.read(at, head);
    head.flip();
    int magic = head.getInt();
    long sequence = head.getLong();
    long durable = head.getLong();
    int recordBytes = head.getInt();
    int contentBytes = head.getInt();
    int contentChecksum = head.getInt();
    int checksum = head.getInt();
    long contentAt = at + FRAME_BYTES + recordBytes;
    if (magic != FRAME_MAGIC
        || recordBytes < 0
        || recordBytes > RECORD_BYTES_MAX
        || contentBytes < 0
        || contentAt + contentBytes > size) {
      return null;
    }
    ByteBuffer record = ByteBuffer.allocate(recordBytes);
    segment.read(at + FRAME_BYTES, record);
    record.flip();
    if (checksum != checksum(List.of(head.slice(0, CHECKED_BYTES), record.duplicate()))
        || contentChecksum != checksum(segment, contentAt, contentBytes)) {
      return null;
    }
    try {
      return new Frame(
          sequence,
          durable,
          JournalRecord.parseFrom(record),
          contentAt,
          contentBytes,
          contentChecksum,
          contentAt + contentBytes);
    } catch (InvalidProtocolBufferException e) {
      return null;
    }
  }

  /**
   * Whether some frame behind a broken one says that the broken one had been forced: then it was
   * damaged later, and what it held may have been acknowledged. The next whole one alone does not
   * tell: those that were forced together know of each other only that they were not yet. Of the
   * last that were forced together nothing can tell; they count as not acknowledged.
   */
  static boolean wasDurable(Bytes segment, long brokenAt, long size) throws IOException {
    Frame frame = nextAfter(segment, brokenAt + 1, size);
    while (frame != null && frame.durable <= brokenAt) {
      frame = nextAfter(segment, frame.end, size);
    }
    return frame != null;
  }

  /** The first whole frame that begins at an offset or behind it; null: there is none. */
  private static @Nullable Frame nextAfter(Bytes segment, long from, long size) throws IOException {
    ByteBuffer piece = ByteBuffer.allocate(COPY_BYTES);
    long at = from;
    while (size - at >= FRAME_BYTES) {
      piece.clear().limit((int) Math.min(COPY_BYTES, size - at));
      segment.read(at, piece);
      piece.flip();
      int last = piece.limit() - Integer.BYTES;
      for (int i = 0; i <= last; i++) {
        if (piece.getInt(i) == FRAME_MAGIC) {
          Frame frame = next(segment, at + i, size);
          if (frame != null) {
            return frame;
          }
        }
      }
      at += last + 1;
    }
    return null;
  }

  static int checksum(List<ByteBuffer> buffers) {
    CRC32C crc = new CRC32C();
    buffers.forEach(buffer -> crc.update(buffer.duplicate()));
    return (int) crc.getValue();
  }

  private static int checksum(Bytes segment, long at, int length) throws IOException {
    CRC32C crc = new CRC32C();
    ByteBuffer piece = ByteBuffer.allocate(Math.min(length, COPY_BYTES));
    int done = 0;
    while (done < length) {
      piece.clear().limit(Math.min(piece.capacity(), length - done));
      segment.read(at + done, piece);
      crc.update(piece.flip());
      done += piece.limit();
    }
    return (int) crc.getValue();
  }
}

package io.curvefs.cache.memcached;

import io.curvefs.cache.BlockId;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * One part that a server is asked for, and what came of it. Filled by one thread, examined by
 * another once the first is done.
 */
final class IncomingPart {
  private final UUID namespace;
  private final BlockId id;
  private final int part;
  private final String key;
  private final ByteBuffer header = ByteBuffer.allocate(PartFormat.HEADER_BYTES);
  private final List<ByteBuffer> content;
  private boolean present;

  /**
   * @param content where the content goes: as many bytes as the part has, from position to limit of
   *     each buffer
   */
  IncomingPart(UUID namespace, BlockId id, int part, List<ByteBuffer> content) {
    this.namespace = namespace;
    this.id = id;
    this.part = part;
    this.key = PartLayout.key(namespace, id, part);
    this.content = content.stream().map(ByteBuffer::slice).toList();
  }

  String key() {
    return key;
  }

  /**
   * Notes that the server has a value.
   *
   * @return whether its bytes are wanted; a value of another length cannot be right
   */
  boolean begin(long valueBytes) {
    boolean first = !present;
    present = true;
    return first && valueBytes == PartFormat.valueBytes(id, part);
  }

  /** Takes the next bytes of the value, as many as {@code bytes} has. */
  void take(ByteBuffer bytes) {
    move(bytes, header);
    for (ByteBuffer piece : content) {
      move(bytes, piece);
    }
  }

  private static void move(ByteBuffer from, ByteBuffer to) {
    int count = Math.min(from.remaining(), to.remaining());
    to.put(to.position(), from, from.position(), count);
    from.position(from.position() + count);
    to.position(to.position() + count);
  }

  /** Whether the server had a value, right or wrong. */
  boolean isPresent() {
    return present;
  }

  /** Whether all bytes came, and are those of the part. */
  boolean isGood() {
    boolean whole = !header.hasRemaining();
    List<ByteBuffer> taken = new ArrayList<>();
    for (ByteBuffer piece : content) {
      whole &= !piece.hasRemaining();
      taken.add(piece.duplicate().flip());
    }
    return whole && PartFormat.isPart(namespace, id, part, header, taken);
  }
}

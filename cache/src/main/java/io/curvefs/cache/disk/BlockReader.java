package io.curvefs.cache.disk;

import io.curvefs.cache.BlockId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.List;
import java.util.UUID;

/** Reads a block's file, believing nothing. */
final class BlockReader {
  private BlockReader() {}

  /**
   * Fills the buffers with checked content.
   *
   * @param from where in the block to start; at a piece, as each of the buffers does
   * @throws CorruptBlockException if the file is not the whole, undamaged block
   */
  static void read(FileChannel file, UUID namespace, BlockId id, int from, List<ByteBuffer> into)
      throws IOException {
    if (file.size() != BlockFormat.fileBytes(id)) {
      throw new CorruptBlockException("torn file of block " + id);
    }
    ByteBuffer tail = ByteBuffer.allocate(BlockFormat.tailBytes(id));
    readFully(file, id.length(), new ByteBuffer[] {tail});
    BlockFormat.checkTail(namespace, id, tail);
    readFully(file, from, into.toArray(ByteBuffer[]::new));
    List<ByteBuffer> content = into.stream().map(part -> part.duplicate().flip()).toList();
    BlockFormat.checkContent(id, tail, from, content);
  }

  private static void readFully(FileChannel file, long offset, ByteBuffer[] into)
      throws IOException {
    file.position(offset);
    while (into[into.length - 1].hasRemaining()) {
      if (file.read(into) < 0) {
        throw new CorruptBlockException("file was cut short");
      }
    }
  }
}

package io.curvefs.space.device.testing;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.BlockRange;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentSkipListMap;

/** A device in memory: blocks that were never written, or were discarded, take no room. */
public final class MemoryDevice implements BlockDevice {
  private final ConcurrentSkipListMap<Long, byte[]> blocks = new ConcurrentSkipListMap<>();
  private volatile long bytes;
  private volatile long size;
  private volatile boolean closed;

  public MemoryDevice(long size) {
    this.bytes = size;
    this.size = size;
  }

  /** Gives it another size, which {@link #refreshSize} finds. */
  public void resize(long newBytes) {
    bytes = newBytes;
  }

  /** Blocks that have content. */
  public int allocatedBlocks() {
    return blocks.size();
  }

  @Override
  public String name() {
    return "memory://" + Integer.toHexString(System.identityHashCode(this));
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public long refreshSize() throws IOException {
    refuseClosed();
    size = bytes;
    return size;
  }

  private void refuseClosed() throws IOException {
    if (closed) {
      throw new IOException(name() + " is closed");
    }
  }

  @Override
  public void read(ByteBuffer into, long offset) throws IOException {
    BlockRange range = BlockRange.of(into, offset).within(this);
    refuseClosed();
    for (int at = 0; at < range.length(); at += BLOCK_BYTES) {
      byte[] block = blocks.getOrDefault(offset + at, new byte[BLOCK_BYTES]);
      into.put(into.position() + at, block);
    }
  }

  @Override
  public void write(ByteBuffer from, long offset) throws IOException {
    BlockRange range = BlockRange.of(from, offset).within(this);
    refuseClosed();
    for (int at = 0; at < range.length(); at += BLOCK_BYTES) {
      byte[] block = new byte[BLOCK_BYTES];
      from.get(from.position() + at, block);
      blocks.put(offset + at, block);
    }
  }

  @Override
  public void flush() throws IOException {
    refuseClosed();
  }

  @Override
  public long epoch() {
    return 0;
  }

  @Override
  public boolean discard(long offset, long length) throws IOException {
    BlockRange range = new BlockRange(offset, length).within(this);
    refuseClosed();
    blocks.subMap(offset, range.end()).clear();
    return true;
  }

  @Override
  public void close() {
    closed = true;
  }
}

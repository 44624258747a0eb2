package io.curvefs.space.device.fault;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.BlockRange;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * A device with a volatile cache whose power can be cut. Writes stay aside until a flush; a cut
 * loses them, or keeps some blocks and parts of blocks, by chance from a seed. Without power
 * everything fails; {@link #restore} brings the device back with what survived. Any thread may use
 * it.
 */
public final class PowerCutDevice implements BlockDevice {

  /** What becomes of writes that were not flushed. */
  public enum Unflushed {
    /** All are lost. */
    LOST,
    /** Each block may be lost, kept, or torn at a multiple of 512 bytes. */
    ANY
  }

  private static final int SECTOR_BYTES = 512;

  private final BlockDevice device;

  @GuardedBy("this")
  private final Random random;

  /** Blocks written since the last flush, by offset. */
  @GuardedBy("this")
  private final TreeMap<Long, ByteBuffer> unflushed = new TreeMap<>();

  @GuardedBy("this")
  private boolean powered = true;

  @GuardedBy("this")
  private long epoch;

  /** Writes and flushes that still succeed before power is cut; below 0 for ever. */
  @GuardedBy("this")
  private long untilCut = -1;

  @GuardedBy("this")
  private Unflushed fate = Unflushed.LOST;

  /**
   * @param device closed with this one
   * @param seed of all chance in it; print it in the test
   */
  public PowerCutDevice(BlockDevice device, long seed) {
    this.device = device;
    this.random = new Random(seed);
  }

  /** Cuts power now. */
  public synchronized void cut(Unflushed what) throws IOException {
    if (!powered) {
      return;
    }
    powered = false;
    untilCut = -1;
    epoch++;
    if (what == Unflushed.ANY) {
      for (Map.Entry<Long, ByteBuffer> block : unflushed.entrySet()) {
        keepSome(block.getKey(), block.getValue());
      }
      device.flush();
    }
    unflushed.clear();
  }

  @GuardedBy("this")
  private void keepSome(long offset, ByteBuffer block) throws IOException {
    int sectors = random.nextInt(BLOCK_BYTES / SECTOR_BYTES + 1);
    ByteBuffer torn = ByteBuffer.allocateDirect(BLOCK_BYTES);
    device.read(torn, offset);
    torn.put(0, block, 0, random.nextBoolean() ? BLOCK_BYTES : sectors * SECTOR_BYTES);
    device.write(torn, offset);
  }

  /**
   * Cuts power when so many more writes and flushes have been carried out; the next one then fails
   * without effect.
   */
  public synchronized void cutAfter(int operations, Unflushed what) {
    untilCut = operations;
    fate = what;
  }

  /** Gives power back. */
  public synchronized void restore() {
    powered = true;
  }

  /** Whether there is power. */
  public synchronized boolean powered() {
    return powered;
  }

  /** Blocks that a cut would endanger now. */
  public synchronized int unflushedBlocks() {
    return unflushed.size();
  }

  @GuardedBy("this")
  private void needPower() throws IOException {
    if (!powered) {
      throw new IOException("injected: " + name() + " has no power, or is closed");
    }
  }

  @GuardedBy("this")
  private void countDown() throws IOException {
    needPower();
    if (untilCut == 0) {
      cut(fate);
      needPower();
    }
    if (untilCut > 0) {
      untilCut--;
    }
  }

  @Override
  public String name() {
    return device.name();
  }

  @Override
  public long size() {
    return device.size();
  }

  @Override
  public synchronized long refreshSize() throws IOException {
    needPower();
    return device.refreshSize();
  }

  @Override
  public synchronized void read(ByteBuffer into, long offset) throws IOException {
    needPower();
    device.read(into, offset);
    BlockRange range = BlockRange.of(into, offset);
    for (Map.Entry<Long, ByteBuffer> block :
        unflushed.subMap(range.offset(), range.end()).entrySet()) {
      int at = into.position() + (int) (block.getKey() - offset);
      into.put(at, block.getValue(), 0, BLOCK_BYTES);
    }
  }

  @Override
  public synchronized void write(ByteBuffer from, long offset) throws IOException {
    BlockRange range = BlockRange.of(from, offset).within(this);
    countDown();
    for (long at = offset; at < range.end(); at += BLOCK_BYTES) {
      ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
      block.put(0, from, from.position() + (int) (at - offset), BLOCK_BYTES);
      unflushed.put(at, block);
    }
  }

  @Override
  public synchronized void flush() throws IOException {
    countDown();
    for (Map.Entry<Long, ByteBuffer> block : unflushed.entrySet()) {
      device.write(block.getValue(), block.getKey());
    }
    device.flush();
    unflushed.clear();
  }

  @Override
  public synchronized long epoch() {
    return device.epoch() + epoch;
  }

  @Override
  public synchronized boolean discard(long offset, long length) throws IOException {
    needPower();
    BlockRange range = new BlockRange(offset, length);
    boolean supported = device.discard(offset, length);
    unflushed.subMap(range.offset(), range.end()).clear();
    return supported;
  }

  @Override
  public synchronized void close() {
    powered = false;
    device.close();
  }
}

package io.curvefs.client.testing;

import io.curvefs.client.staging.SegmentStore;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * Segments in memory that lose power: of what was not forced any sectors may be there or not, in
 * any order, and so may a part of the new length. Thread-safe.
 */
public final class LossySegments implements SegmentStore {
  private static final int SECTOR = 512;

  private final Map<Long, Content> contents = new TreeMap<>();
  private boolean off;
  private boolean failing;
  private boolean failingForces;
  private boolean failingCuts;
  private boolean hanging;
  private Runnable onTruncate = () -> {};

  private static final class Content {
    byte[] bytes = new byte[0];
    byte[] forced = new byte[0];
  }

  /** From now on nothing works. */
  public synchronized void cutPower() {
    off = true;
  }

  /** Whether writes fail, as those of a full disk do. */
  public synchronized void fail(boolean now) {
    failing = now;
  }

  /** Whether bytes are taken, but cannot be forced. */
  public synchronized void failForces(boolean now) {
    failingForces = now;
  }

  /** Whether writes wait for this to be told otherwise. */
  public synchronized void hang(boolean now) {
    hanging = now;
    notifyAll();
  }

  /** Whether segments cannot be cut, nor removed. */
  public synchronized void failCuts(boolean now) {
    failingCuts = now;
  }

  /** What happens while a segment is cut. */
  public synchronized void onTruncate(Runnable what) {
    onTruncate = what;
  }

  /** What is found after the power is back. */
  public synchronized LossySegments afterPowerCut(Random random) {
    LossySegments after = new LossySegments();
    contents.forEach((number, content) -> after.put(number, survived(content, random)));
    return after;
  }

  /** What is found after the process was killed: all that was written. */
  public synchronized LossySegments copy() {
    LossySegments after = new LossySegments();
    contents.forEach((number, content) -> after.put(number, content.bytes));
    return after;
  }

  private static byte[] survived(Content content, Random random) {
    int least = Math.min(content.forced.length, content.bytes.length);
    int length = least + random.nextInt(content.bytes.length - least + 1);
    byte[] bytes = Arrays.copyOf(content.forced, length);
    for (int at = least; at < length; at++) {
      if (at == least || at % SECTOR == 0) {
        int end = Math.min(length, (at / SECTOR + 1) * SECTOR);
        if (random.nextBoolean()) {
          System.arraycopy(content.bytes, at, bytes, at, end - at);
        }
      }
    }
    return bytes;
  }

  /** Makes a segment of these bytes. */
  public synchronized void put(long number, byte[] bytes) {
    Content content = new Content();
    content.bytes = bytes.clone();
    content.forced = bytes.clone();
    contents.put(number, content);
  }

  /** Damages a byte behind the back of who has the segment open. */
  public synchronized void flip(long number, int at) {
    contents.get(number).bytes[at] ^= 1;
  }

  public synchronized byte[] bytes(long number) {
    return contents.get(number).bytes.clone();
  }

  private synchronized void requirePower() throws IOException {
    if (off) {
      throw new IOException("the power is off");
    }
  }

  private synchronized void awaitNotHanging() throws IOException {
    try {
      while (hanging) {
        wait();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException();
    }
  }

  private synchronized void requireCuttable() throws IOException {
    requirePower();
    if (failingCuts) {
      throw new IOException("input/output error");
    }
  }

  private synchronized void requireWritable() throws IOException {
    requirePower();
    if (failing) {
      throw new IOException("no space left on device");
    }
  }

  @Override
  public synchronized List<Long> list() throws IOException {
    requirePower();
    return new ArrayList<>(contents.keySet());
  }

  @Override
  public synchronized Segment create(long number) throws IOException {
    requireWritable();
    if (contents.putIfAbsent(number, new Content()) != null) {
      throw new IOException("there is a segment " + number);
    }
    return open(number);
  }

  @Override
  public synchronized Segment open(long number) throws IOException {
    requirePower();
    Content content = contents.get(number);
    if (content == null) {
      throw new IOException("no segment " + number);
    }
    return new MemorySegment(content);
  }

  @Override
  public synchronized void delete(long number) throws IOException {
    requireCuttable();
    contents.remove(number);
  }

  @Override
  public String name() {
    return "memory";
  }

  @Override
  public void close() {}

  private final class MemorySegment implements Segment {
    private final Content content;

    MemorySegment(Content content) {
      this.content = content;
    }

    @Override
    public long size() {
      synchronized (LossySegments.this) {
        return content.bytes.length;
      }
    }

    @Override
    public void append(List<ByteBuffer> buffers) throws IOException {
      synchronized (LossySegments.this) {
        awaitNotHanging();
        requirePower();
        for (ByteBuffer buffer : buffers) {
          int at = content.bytes.length;
          content.bytes = Arrays.copyOf(content.bytes, at + buffer.remaining());
          buffer.get(content.bytes, at, buffer.remaining());
          requireWritable(); // a full disk takes a part
        }
      }
    }

    @Override
    public void force() throws IOException {
      synchronized (LossySegments.this) {
        requireWritable();
        if (failingForces) {
          throw new IOException("input/output error");
        }
        content.forced = content.bytes.clone();
      }
    }

    @Override
    public void truncate(long size) throws IOException {
      synchronized (LossySegments.this) {
        requireCuttable();
        onTruncate.run();
        content.bytes = Arrays.copyOf(content.bytes, (int) size);
        content.forced = content.bytes.clone();
      }
    }

    @Override
    public void read(long offset, ByteBuffer dst) throws IOException {
      synchronized (LossySegments.this) {
        requirePower();
        if (offset + dst.remaining() > content.bytes.length) {
          throw new EOFException();
        }
        dst.put(content.bytes, (int) offset, dst.remaining());
      }
    }

    @Override
    public void close() {}
  }
}

package io.curvefs.cache;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A source that counts, and that fails or stops when told to. */
public final class FakeSource implements BlockSource {
  private final ConcurrentMap<BlockId, AtomicInteger> loads = new ConcurrentHashMap<>();
  private final ConcurrentMap<BlockId, AtomicInteger> rangeLoads = new ConcurrentHashMap<>();
  private final AtomicInteger failures = new AtomicInteger();
  public final CountDownLatch entered = new CountDownLatch(1);
  private volatile CountDownLatch gate = new CountDownLatch(0);

  @Override
  public void load(BlockId id, int offset, int length, List<ByteBuffer> into) throws IOException {
    boolean whole = offset == 0 && length == id.length();
    (whole ? loads : rangeLoads).computeIfAbsent(id, key -> new AtomicInteger()).incrementAndGet();
    entered.countDown();
    pass();
    if (failures.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
      throw new IOException("the source is down");
    }
    TestBlocks.load(id, offset, length, into);
  }

  /** The next loads stop until {@link #open}. */
  public void close() {
    gate = new CountDownLatch(1);
  }

  public void open() {
    gate.countDown();
  }

  public void failNext(int times) {
    failures.set(times);
  }

  public int loads(BlockId id) {
    return loads.getOrDefault(id, new AtomicInteger()).get();
  }

  public int rangeLoads(BlockId id) {
    return rangeLoads.getOrDefault(id, new AtomicInteger()).get();
  }

  private void pass() throws IOException {
    try {
      if (!gate.await(20, TimeUnit.SECONDS)) {
        throw new AssertionError("nobody opened the gate");
      }
    } catch (InterruptedException e) {
      throw new IOException("interrupted", e);
    }
  }
}

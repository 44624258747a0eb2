package io.curvefs.cache.page;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One loan of {@link PagePool#PAGE_BYTES} bytes of direct memory. The memory is reused after the
 * release, the {@code Page} object is not: a stale reference to it is found out however often the
 * memory changed hands since. Thread-safe; the bytes themselves are not guarded.
 */
public final class Page {
  final PagePool pool;
  private final AtomicReference<@Nullable ByteBuffer> memory;

  Page(PagePool pool, ByteBuffer memory) {
    this.pool = pool;
    this.memory = new AtomicReference<>(memory);
  }

  /**
   * The page's bytes as a new writable buffer, position 0 to {@link PagePool#PAGE_BYTES}. They hold
   * whatever the previous owner left. Must not be touched after the release.
   *
   * @throws IllegalStateException if the page was released
   */
  public ByteBuffer buffer() {
    ByteBuffer lent = memory.get();
    if (lent == null) {
      throw new IllegalStateException("page used after its release");
    }
    return lent.duplicate();
  }

  ByteBuffer surrender() {
    ByteBuffer lent = memory.getAndSet(null);
    if (lent == null) {
      throw new IllegalStateException("page released twice");
    }
    return lent;
  }
}

package io.curvefs.cache.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.TestBlocks;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterTry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PagedBytesTest {
  private static final BlockId BLOCK = new BlockId(7, 0, 200_000);

  private final PagePool pool = new PagePool(8L * PagePool.PAGE_BYTES);

  @AfterEach
  @AfterTry
  void no_page_leaked() {
    assertThat(pool.inUse()).isZero();
  }

  @Property(tries = 300)
  void any_range_is_copied_as_it_was_filled(
      @ForAll @IntRange(min = 1, max = 300_000) int length,
      @ForAll @IntRange(max = 300_000) int a,
      @ForAll @IntRange(max = 300_000) int b)
      throws IOException {
    BlockId id = new BlockId(1, 2, length);
    int from = Math.min(a, b) % (length + 1);
    int count = Math.min(Math.abs(a - b), length - from);
    PagedBytes content = TestBlocks.content(pool, id);
    ByteBuffer dst = ByteBuffer.allocate(count + 5).position(3);
    content.copyTo(from, dst, count);
    content.release();
    assertThat(dst.position()).isEqualTo(3 + count);
    assertThat(Arrays.copyOfRange(dst.array(), 3, 3 + count))
        .isEqualTo(Arrays.copyOfRange(TestBlocks.bytesOf(id), from, from + count));
  }

  @Test
  void the_buffers_are_the_content_and_nobody_can_change_it() throws IOException {
    PagedBytes content = TestBlocks.content(pool, BLOCK);
    ByteBuffer joined = ByteBuffer.allocate(BLOCK.length());
    content.buffers().forEach(joined::put);
    assertThat(joined.array()).isEqualTo(TestBlocks.bytesOf(BLOCK));
    assertThat(content.buffers()).hasSize(4);
    assertThat(content.heldBytes()).isEqualTo(4 * PagePool.PAGE_BYTES);
    assertThatThrownBy(() -> content.buffers().get(0).put(0, (byte) 1))
        .isInstanceOf(ReadOnlyBufferException.class);
    content.release();
  }

  @Test
  void the_pages_go_back_with_the_last_reference() throws IOException {
    PagedBytes content = TestBlocks.content(pool, BLOCK);
    content.retain();
    assertThat(content.release()).isFalse();
    assertThat(pool.inUse()).isEqualTo(4);
    assertThat(content.release()).isTrue();
    assertThat(pool.inUse()).isZero();
  }

  @Test
  void content_cannot_be_used_after_the_last_release() throws IOException {
    PagedBytes content = TestBlocks.content(pool, BLOCK);
    content.release();
    assertThat(content.tryRetain()).isFalse();
    assertThatThrownBy(content::retain).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(content::buffers).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> content.copyTo(0, ByteBuffer.allocate(1), 1))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(content::release).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void a_filler_that_fails_leaves_no_pages_behind() {
    assertThatThrownBy(
            () ->
                PagedBytes.fill(
                    pool,
                    100_000,
                    Duration.ZERO,
                    into -> {
                      throw new IOException("no");
                    }))
        .hasMessage("no");
  }

  @Test
  void a_filler_that_stops_early_is_found_out_for_a_page_holds_what_others_left() {
    assertThatThrownBy(
            () ->
                PagedBytes.fill(
                    pool,
                    100_000,
                    Duration.ZERO,
                    into -> into.get(0).position(PagePool.PAGE_BYTES)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("only part of 100000 bytes");
  }

  @Test
  void pages_written_one_by_one_become_content() {
    Page first = pool.tryAcquire();
    Page second = pool.tryAcquire();
    second.buffer().put(0, (byte) 42);
    PagedBytes content = PagedBytes.adopt(List.of(first, second), PagePool.PAGE_BYTES + 1);
    ByteBuffer last = ByteBuffer.allocate(1);
    content.copyTo(PagePool.PAGE_BYTES, last, 1);
    assertThat(last.get(0)).isEqualTo((byte) 42);
    content.release();
  }

  @Test
  void more_or_fewer_pages_than_needed_are_not_adopted() {
    Page page = pool.tryAcquire();
    assertThatThrownBy(() -> PagedBytes.adopt(List.of(page), PagePool.PAGE_BYTES + 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> PagedBytes.adopt(List.of(), 0))
        .isInstanceOf(IllegalArgumentException.class);
    pool.release(page);
  }
}

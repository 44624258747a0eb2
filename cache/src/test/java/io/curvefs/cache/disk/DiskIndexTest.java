package io.curvefs.cache.disk;

import static io.curvefs.cache.disk.TierFixture.small;
import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.Hold;
import io.curvefs.cache.Threads;
import io.curvefs.cache.disk.DiskIndex.Claim;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Threads that write, delete and hold one block at the same time. */
@Timeout(60)
class DiskIndexTest {
  private static final long ROOM = 2 * 4096;
  private static final int JOB = 1;

  private final DiskIndex index = new DiskIndex(1000);

  private void write(BlockId id) throws Exception {
    assertThat(index.claim(id, ROOM, 1000, false)).isEqualTo(Claim.GRANTED);
    index.written(id, null);
  }

  /** Asks from another thread, which waits for this one. */
  private static <T> Future<T> waits(Callable<T> ask) {
    AtomicReference<Thread> asking = new AtomicReference<>();
    Future<T> answer =
        Threads.<T>startAll(
                1,
                i ->
                    () -> {
                      asking.set(Thread.currentThread());
                      return ask.call();
                    })
            .get(0);
    Threads.until(
        () ->
            answer.isDone()
                || (asking.get() != null && asking.get().getState() == Thread.State.WAITING));
    assertThat(answer.isDone()).as("it does not wait").isFalse();
    return answer;
  }

  @Test
  void a_block_that_is_being_evicted_cannot_be_held() throws Exception {
    write(small(1));
    write(small(2));
    assertThat(index.takeVictim()).isEqualTo(small(1));
    assertThat(index.hold(small(1), JOB)).isFalse();
    assertThat(index.bytes()).as("until its file is gone").isEqualTo(ROOM);
    index.gone(small(1)); // somebody who reads it finds the file gone
    index.left(small(1));
    assertThat(index.contains(small(1))).isFalse();
    assertThat(index.bytes()).isEqualTo(4096);
    assertThat(index.heldBytes()).isZero();
    assertThat(index.hold(small(2), JOB)).isTrue();
    assertThat(index.takeVictim()).isNull();
  }

  @Test
  void a_block_that_could_not_be_deleted_stays_known_and_others_go_before_it() throws Exception {
    write(small(1));
    write(small(2));
    index.stays(take(1));
    assertThat(index.contains(small(1))).isTrue();
    assertThat(index.bytes()).isEqualTo(ROOM);
    index.left(take(2));
    index.left(take(1));
    assertThat(index.bytes()).isZero();
  }

  private BlockId take(int expected) {
    assertThat(index.takeVictim()).isEqualTo(small(expected));
    return small(expected);
  }

  @Test
  void two_who_want_to_write_one_block_take_turns() throws Exception {
    assertThat(index.claim(small(1), ROOM, 1000, false)).isEqualTo(Claim.GRANTED);
    assertThat(index.hold(small(1), JOB)).isFalse();
    Future<Claim> second = waits(() -> index.claim(small(1), ROOM, 1000, true));
    index.written(small(1), new Hold(JOB, true));
    assertThat(second.get(20, TimeUnit.SECONDS)).isEqualTo(Claim.KNOWN);
    assertThat(index.heldBytes()).isEqualTo(4096);
  }

  @Test
  void who_wants_to_write_a_block_waits_until_it_is_deleted() throws Exception {
    write(small(1));
    index.takeOut(small(1));
    Future<Claim> claim = waits(() -> index.claim(small(1), ROOM, 1000, false));
    index.left(small(1));
    assertThat(claim.get(20, TimeUnit.SECONDS)).isEqualTo(Claim.GRANTED);
  }

  @Test
  void what_must_have_room_waits_for_the_room_that_others_are_making() throws Exception {
    BlockId large = new BlockId(1, 0, 5000);
    write(large);
    assertThat(index.takeVictim()).isEqualTo(large);
    assertThat(index.claim(small(3), ROOM, 1000, false)).isEqualTo(Claim.REFUSED);
    Future<Claim> claim = waits(() -> index.claim(small(2), ROOM, 1000, true));
    index.left(large);
    assertThat(claim.get(20, TimeUnit.SECONDS)).isEqualTo(Claim.GRANTED);
  }

  @Test
  void a_released_block_that_is_being_deleted_is_in_no_queue() throws Exception {
    write(small(1));
    assertThat(index.hold(small(1), JOB)).isTrue();
    index.takeOut(small(1));
    index.release(JOB);
    assertThat(index.takeVictim()).isNull();
    index.left(small(1));
    assertThat(List.of(index.bytes(), index.heldBytes())).containsOnly(0L);
  }

  /** As {@code warmup --order} does over a set that is larger than the cache. */
  @Test
  void a_job_that_gives_up_what_was_read_is_not_remembered_block_by_block() throws Exception {
    for (int i = 0; i < 100_000; i++) {
      assertThat(index.claim(small(i), ROOM, 1000, true)).isEqualTo(Claim.GRANTED);
      index.written(small(i), new Hold(JOB, false));
      if (i > 0) {
        index.takeOut(small(i - 1));
        index.left(small(i - 1));
      }
    }
    assertThat(index.holdsRemembered()).isLessThan(2000);
    index.release(JOB);
    assertThat(index.heldBytes()).isZero();
    assertThat(index.takeVictim()).isEqualTo(small(99_999));
  }

  @Test
  void no_hold_is_forgotten_while_others_go() throws Exception {
    for (int i = 0; i < 5000; i++) {
      assertThat(index.claim(small(i), 1L << 40, 10_000, true)).isEqualTo(Claim.GRANTED);
      index.written(small(i), new Hold(JOB, false));
      if (i % 3 == 0) {
        index.takeOut(small(i));
        index.left(small(i));
      }
    }
    index.release(JOB);
    assertThat(index.heldBytes()).isZero();
    int queued = 0;
    for (BlockId next = index.takeVictim(); next != null; next = index.takeVictim()) {
      queued++;
    }
    assertThat(queued).isEqualTo(index.files()).isEqualTo(5000 - 1667);
  }
}

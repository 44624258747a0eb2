package io.curvefs.objectstore.aws;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.ObjectStoreException.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PutQueueTest {
  private static final long BLOCK = 4L << 20;
  private static final Duration BOUND = Duration.ofSeconds(60);
  private static final ObjectStoreException SILENT =
      new ObjectStoreException(Kind.UNREACHABLE, "nobody answers");

  private final List<TestPut> sent = new ArrayList<>();
  private final List<TestPut> givenUp = new ArrayList<>();
  private long now;
  private final PutQueue queue = new PutQueue(64, BOUND, () -> now);

  private final class TestPut implements PutQueue.Put {
    private final long bytes;

    TestPut(long bytes) {
      this.bytes = bytes;
    }

    @Override
    public long bytes() {
      return bytes;
    }

    @Override
    public void send() {
      sent.add(this);
    }

    @Override
    public void giveUp(ObjectStoreException failure) {
      givenUp.add(this);
    }
  }

  private List<TestPut> add(int count, long bytes) {
    List<TestPut> puts = IntStream.range(0, count).mapToObj(i -> new TestPut(bytes)).toList();
    puts.forEach(queue::add);
    return puts;
  }

  private void done(TestPut put, Duration after, @Nullable ObjectStoreException failure) {
    now += after.toNanos();
    queue.done(put, failure);
  }

  @Test
  void on_a_fast_line_eight_blocks_are_soon_under_way_and_never_more() {
    List<TestPut> puts = add(40, BLOCK);
    assertThat(sent).isEqualTo(puts.subList(0, 1));
    for (int i = 0; i < 20; i++) {
      done(puts.get(i), Duration.ofMillis(100), null);
    }
    assertThat(sent).isEqualTo(puts.subList(0, 28));
  }

  @Test
  void on_a_thin_line_one_block_is_under_way() {
    List<TestPut> puts = add(40, BLOCK);
    for (int i = 0; i < 6; i++) {
      done(puts.get(i), Duration.ofMillis(100), null);
    }
    assertThat(sent).hasSize(13);
    for (int i = 6; i < 20; i++) {
      done(puts.get(i), Duration.ofSeconds(11), null);
    }
    assertThat(sent).isEqualTo(puts.subList(0, 21));
  }

  @Test
  void small_puts_are_bounded_by_their_number_and_one_that_is_too_large_goes_alone() {
    List<TestPut> small = add(100, 4096);
    assertThat(sent).isEqualTo(small.subList(0, 64));
    TestPut large = add(1, 1L << 30).get(0);
    for (TestPut put : small) {
      assertThat(sent).doesNotContain(large);
      done(put, Duration.ofMillis(1), null);
    }
    TestPut behind = add(1, 1).get(0);
    assertThat(sent).contains(large).doesNotContain(behind);
    done(large, Duration.ofSeconds(50), null);
    assertThat(sent).contains(behind);
  }

  @Test
  void who_has_waited_through_an_outage_fails_with_those_that_were_sent() {
    List<TestPut> early = add(4, BLOCK);
    now += Duration.ofSeconds(40).toNanos();
    List<TestPut> late = add(2, BLOCK);
    done(early.get(0), Duration.ofSeconds(20), SILENT);

    assertThat(givenUp).isEqualTo(early.subList(1, 4));
    assertThat(sent).containsExactly(early.get(0), late.get(0));
  }

  @Test
  void who_waits_while_others_get_through_waits_on() {
    List<TestPut> puts = add(4, BLOCK);
    done(puts.get(0), Duration.ofSeconds(50), null);
    done(puts.get(1), Duration.ofSeconds(10), SILENT);

    assertThat(givenUp).isEmpty();
    assertThat(sent).isEqualTo(puts.subList(0, 3));
  }

  @Test
  void a_failure_of_one_put_alone_is_its_own() {
    List<TestPut> puts = add(4, BLOCK);
    done(
        puts.get(0),
        Duration.ofSeconds(50),
        new ObjectStoreException(Kind.ACCESS_DENIED, "not this one"));

    assertThat(givenUp).isEmpty();
    assertThat(sent).isEqualTo(puts.subList(0, 2));
  }
}

package io.curvefs.metaserver.group;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.curvefs.id.SessionId;
import io.curvefs.proto.Discard;
import io.curvefs.space.BlockRange;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class DiscardOffersTest {
  private static final int FILE_SYSTEM = 3;
  private static final Duration QUARANTINE = Duration.ofSeconds(30);
  private static final SessionId ONE = new SessionId(1);
  private static final SessionId OTHER = new SessionId(2);
  private static final ByteString ROW = ByteString.copyFromUtf8("row");

  private final AtomicLong nanos = new AtomicLong();
  private final DiscardOffers offers = new DiscardOffers(nanos::get);

  private boolean mayRelease() {
    return offers.mayRelease(FILE_SYSTEM, ROW, new BlockRange((1L << 48) + 5, 6), QUARANTINE);
  }

  private List<Discard> hand(SessionId session) {
    return offers.hand(FILE_SYSTEM, session, 10);
  }

  private void pass(int seconds) {
    nanos.addAndGet(Duration.ofSeconds(seconds).toNanos());
  }

  @Test
  void without_a_mount_nothing_waits() {
    assertThat(mayRelease()).isTrue();
    hand(ONE);
    pass(16);
    assertThat(mayRelease()).isTrue();
  }

  @Test
  void a_row_is_handed_to_one_mount_once_and_released_when_that_is_done() {
    hand(ONE);
    assertThat(mayRelease()).isFalse();
    assertThat(hand(OTHER)).hasSize(1).allMatch(one -> one.getRange().getCount() == 6);
    assertThat(hand(ONE)).isEmpty();
    offers.done(ONE, List.of(ROW)); // was not handed it
    assertThat(mayRelease()).isFalse();
    offers.done(OTHER, List.of(ROW));
    assertThat(mayRelease()).isTrue();
  }

  @Test
  void a_row_that_nobody_comes_for_waits_15_seconds() {
    hand(ONE);
    assertThat(mayRelease()).isFalse();
    pass(15);
    assertThat(mayRelease()).isFalse();
    pass(1);
    assertThat(mayRelease()).isTrue();
    assertThat(hand(ONE)).isEmpty();
  }

  @Test
  void a_row_that_was_handed_out_stays_for_a_whole_quarantine() {
    hand(ONE);
    mayRelease();
    pass(10);
    assertThat(hand(ONE)).hasSize(1);
    pass(30);
    assertThat(mayRelease()).isFalse();
    pass(1);
    assertThat(mayRelease()).isTrue();
    offers.done(ONE, List.of(ROW)); // late: nothing happens
  }
}

package io.curvefs.client.volume;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.curvefs.proto.BlockRange;
import io.curvefs.proto.Discard;
import io.curvefs.space.device.fault.FaultyDevice.Operation;
import java.time.Duration;
import java.util.Collections;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DiscarderTest {
  private final VolumeFixture on = new VolumeFixture();

  @AfterEach
  void end() {
    on.close();
  }

  private Discarder discarder() {
    return new Discarder(on.meta, on.devices, on.freshness, on.nanos::get);
  }

  private static ByteString key(int block) {
    return ByteString.copyFromUtf8("row " + block);
  }

  private void offer(int block, int count) {
    on.meta.offer(
        Discard.newBuilder()
            .setKey(key(block))
            .setRange(
                BlockRange.newBuilder().setAddress(FakeVolumeMeta.VOLUME | block).setCount(count))
            .build());
  }

  @Test
  void neighbours_are_discarded_together_and_then_told() {
    offer(300, 5);
    offer(100, 20);
    offer(120, 30);
    discarder().round();
    assertThat(on.device.discards().stream().map(range -> range.length() / 4096))
        .containsExactly(50L, 5L);
    assertThat(on.meta.done()).containsExactlyInAnyOrder(key(300), key(100), key(120));
  }

  @Test
  void an_answer_that_took_too_long_discards_nothing() {
    offer(100, 20);
    on.meta.whileHanding = () -> on.advance(VolumeFixture.QUARANTINE.dividedBy(4));
    discarder().round();
    assertThat(on.device.discards()).isEmpty();
  }

  @Test
  void what_a_device_may_still_be_discarding_is_not_told_to_be_done() {
    offer(100, 20);
    on.faults.failAll(Operation.DISCARD);
    discarder().round();
    on.advance(Duration.ofSeconds(10));
    assertThat(on.faults.fired(Operation.DISCARD)).isEqualTo(1);
    assertThat(on.meta.done()).isEmpty();
  }

  @Test
  void who_has_nothing_to_discard_asks_every_ten_seconds() {
    Discarder discarder = discarder();
    for (int second = 0; second < 60; second++) {
      discarder.round();
      on.advance(Duration.ofSeconds(1));
    }
    assertThat(Collections.frequency(on.meta.takeRequests(), "DISCARDS")).isEqualTo(6);
  }
}

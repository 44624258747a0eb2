package io.curvefs.client.volume;

import static io.curvefs.client.volume.VolumeFixture.INODE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SpacePoolTest {
  private final VolumeFixture on = new VolumeFixture();
  private final SpacePool pool = on.pool;

  @AfterEach
  void end() {
    on.close();
  }

  @Test
  void what_was_promised_is_there_to_be_taken() throws RefusedException {
    pool.promise(INODE, 10, 0);
    SpacePool.Taken taken = pool.take(10, 0);
    assertThat(taken.ranges().stream().mapToInt(range -> range.count()).sum()).isEqualTo(10);
  }

  @Test
  void the_next_blocks_come_right_behind() throws RefusedException {
    pool.promise(INODE, 20, 0);
    SpacePool.Taken first = pool.take(10, 0);
    long last = first.ranges().get(0).address() + 9;
    assertThat(pool.take(10, last).ranges().get(0).address()).isEqualTo(last + 1);
  }

  @Test
  void many_writers_at_once_do_not_each_ask() throws Exception {
    List<Future<?>> writers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      writers.add(
          on.transfers.submit(
              () -> {
                for (int j = 0; j < 500; j++) {
                  pool.promise(INODE, 16, 0);
                  pool.take(16, 0);
                }
                return null;
              }));
    }
    for (Future<?> writer : writers) {
      writer.get();
    }
    // 125 MiB in steps from 1 MiB to 64 MiB
    assertThat(Collections.frequency(on.meta.takeRequests(), "RESERVE")).isLessThanOrEqualTo(12);
  }

  @Test
  void blocks_of_a_lost_session_are_not_given_out() throws RefusedException {
    pool.promise(INODE, 10, 0);
    on.meta.loseSession();
    assertThatThrownBy(() -> pool.take(10, 0)).isInstanceOf(RefusedException.class);
    pool.promise(INODE, 10, 0);
    assertThat(on.meta.isCurrent(pool.take(10, 0).session())).isTrue();
  }

  @Test
  void space_that_is_not_promised_comes_back_when_nobody_writes() throws RefusedException {
    pool.promise(INODE, 10, 0);
    on.advance(Duration.ofSeconds(6));
    pool.giveBackSpare(false);
    assertThat(pool.blocks()).isEqualTo(10);
    pool.take(10, 0);
  }

  @Test
  void a_full_volume_is_full_at_the_last_block() throws RefusedException {
    long taken = 0;
    try {
      while (true) {
        pool.promise(INODE, 100, 0);
        pool.take(100, 0);
        taken += 100;
      }
    } catch (RefusedException e) {
      assertThat(e.refusal()).isEqualTo(Refusal.ENOSPC);
    }
    assertThat(taken).isEqualTo(100_000);
  }
}

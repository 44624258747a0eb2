package io.curvefs.space.device.flush;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DurabilityTest {
  private final Durability durability = new Durability();

  private void write() {
    assertThat(durability.written(durability.generation())).isTrue();
  }

  @Test
  void a_loss_without_unflushed_writes_harms_nobody() {
    write();
    durability.flushBegins();
    assertThat(durability.flushed()).isTrue();
    durability.lost();
    assertThat(durability.epoch()).isZero();
    durability.flushBegins();
    assertThat(durability.flushed()).isTrue();
  }

  @Test
  void unflushed_writes_are_lost_and_the_next_flush_says_so_once() {
    write();
    durability.lost();
    assertThat(durability.epoch()).isOne();
    durability.flushBegins();
    assertThat(durability.flushed()).isFalse();
    durability.flushBegins();
    assertThat(durability.flushed()).isTrue();
  }

  @Test
  void what_a_flush_under_way_covers_is_lost_too() {
    write();
    durability.flushBegins();
    durability.lost();
    assertThat(durability.epoch()).isOne();
    assertThat(durability.flushed()).isFalse();
  }

  @Test
  void a_write_across_a_loss_must_be_repeated() {
    long begun = durability.generation();
    durability.lost();
    assertThat(durability.written(begun)).isFalse();
    write();
    assertThat(durability.epoch()).isZero();
  }

  @Test
  void a_write_that_ends_while_a_flush_is_under_way_is_not_covered_by_it() {
    durability.flushBegins();
    write();
    durability.flushed();
    durability.lost();
    assertThat(durability.epoch()).isOne();
  }

  @Test
  void a_failed_flush_puts_all_in_doubt() {
    write();
    durability.flushBegins();
    durability.flushFailed();
    assertThat(durability.epoch()).isOne();
  }
}

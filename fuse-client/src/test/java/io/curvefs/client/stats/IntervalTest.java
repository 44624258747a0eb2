package io.curvefs.client.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class IntervalTest {
  private static final String STARTED = "process.start.time.seconds";

  private static Interval of(Map<String, Double> before, Map<String, Double> after) {
    return new Interval(before, after, 2);
  }

  @Test
  void rates_are_differences_over_the_time_between_and_add_up_all_tags() {
    Interval interval =
        of(
            Map.of("n{op=A}", 10.0, "n{op=B}", 5.0, "n.seconds{op=A}", 1.0, "nx{op=A}", 0.0),
            Map.of(
                "n{op=A}",
                16.0,
                "n{op=B}",
                5.0,
                "n{op=C}",
                4.0,
                "n.seconds{op=A}",
                1.5,
                "nx{op=A}",
                99.0));

    assertThat(interval.perSecond("n")).isEqualTo(5);
    assertThat(interval.perSecond("n{op=A}")).isEqualTo(3);
    assertThat(interval.meanMillis("n")).isEqualTo(50);
    assertThat(interval.now("n{op=A}")).isEqualTo(16);
  }

  @Test
  void what_is_not_there_or_did_not_happen_is_no_number() {
    Interval interval = of(Map.of("n", 1.0, "n.seconds", 2.0), Map.of("n", 1.0, "n.seconds", 2.0));

    assertThat(interval.perSecond("n")).isZero();
    assertThat(interval.meanMillis("n")).isNaN();
    assertThat(interval.perSecond("absent")).isNaN();
    assertThat(interval.now("absent")).isNaN();
    assertThat(interval.hitPercent("memory")).isNaN();
  }

  @Test
  void hits_are_told_of_a_hundred_reads() {
    Interval interval =
        of(
            Map.of("curvefs.cache.hits{tier=disk}", 1.0, "curvefs.cache.misses{tier=disk}", 1.0),
            Map.of("curvefs.cache.hits{tier=disk}", 4.0, "curvefs.cache.misses{tier=disk}", 2.0));

    assertThat(interval.hitPercent("disk")).isEqualTo(75);
    assertThat(interval.hitPercent("memcached")).isNaN();
  }

  @Test
  void readings_of_two_processes_are_told_from_those_of_one() {
    assertThat(of(Map.of(STARTED, 7.0, "n", 9.0), Map.of(STARTED, 7.0, "n", 10.0)).isRestarted())
        .isFalse();
    assertThat(of(Map.of(STARTED, 7.0, "n", 9.0), Map.of(STARTED, 8.0, "n", 10.0)).isRestarted())
        .isTrue();
  }

  @Test
  void a_counter_that_went_back_is_no_number() {
    assertThat(of(Map.of("n", 9.0), Map.of("n", 1.0)).perSecond("n")).isNaN();
  }

  @Test
  void an_interval_takes_time() {
    assertThatThrownBy(() -> new Interval(Map.of(), Map.of(), 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void a_row_has_its_values_below_their_titles() {
    Map<String, Double> before = new HashMap<>();
    Map<String, Double> after = new HashMap<>();
    before.put("process.cpu.seconds", 1.0);
    after.put("process.cpu.seconds", 2.0);
    after.put("process.resident.memory.bytes", 312.0 * (1 << 20));
    before.put("curvefs.fuse.operations{operation=READ}", 0.0);
    after.put("curvefs.fuse.operations{operation=READ}", 500.0);
    before.put("curvefs.fuse.operations.seconds{operation=READ}", 0.0);
    after.put("curvefs.fuse.operations.seconds{operation=READ}", 0.125);

    LiveTable table = new LiveTable(false);
    String[] header = table.header(of(before, after)).split("\n");
    String row = table.row(of(before, after));

    assertThat(header).hasSize(2);
    assertThat(row).hasSameSizeAs(header[1]).startsWith("   50  312M|  250  0.25     -     -|");
    assertThat(header[1]).startsWith(" cpu%   mem|  ops    ms  read write|");
    assertThat(header[0])
        .hasSameSizeAs(header[1])
        .startsWith("---usage--- ---------fuse----------");
  }

  @Test
  void write_back_and_warmups_have_columns_where_there_is_something_to_tell() {
    Interval nothing =
        of(
            Map.of("curvefs.writeback.bytes", 0.0, "curvefs.warmup.bytes", 0.0),
            Map.of("curvefs.writeback.bytes", 0.0, "curvefs.warmup.bytes", 0.0));
    assertThat(new LiveTable(false).header(nothing)).doesNotContain("writeback", "warmup");
    Map<String, Double> after =
        Map.of(
            "curvefs.writeback.bytes",
            4096.0,
            "curvefs.writeback.oldest.seconds",
            7.0,
            "curvefs.warmup.bytes",
            2048.0,
            "curvefs.warmup.jobs",
            1.0);
    Interval both = of(Map.of("curvefs.warmup.bytes", 0.0), after);

    LiveTable table = new LiveTable(true);
    assertThat(table.header(both)).contains("-writeback-", "-warmup--", "| wait age s|moved jobs");
    assertThat(table.row(both))
        .hasSameSizeAs(table.header(both).split("\n")[1])
        .endsWith("| 4.0K   7.0| 1.0K  1.0");
    assertThat(table.header(nothing)).contains("writeback").doesNotContain("warmup");
  }

  @Test
  void numbers_and_sizes_fit_their_columns() {
    assertThat(LiveTable.number(0)).isEqualTo("0");
    assertThat(LiveTable.number(0.251)).isEqualTo("0.25");
    assertThat(LiveTable.number(3.14)).isEqualTo("3.1");
    assertThat(LiveTable.number(99_998)).isEqualTo("99998");
    assertThat(LiveTable.number(1_234_567)).isEqualTo("1235K");
    assertThat(LiveTable.size(1023)).isEqualTo("1023");
    assertThat(LiveTable.size(4096)).isEqualTo("4.0K");
    assertThat(LiveTable.size(1023.0 * (1 << 30))).isEqualTo("1023G");
  }
}

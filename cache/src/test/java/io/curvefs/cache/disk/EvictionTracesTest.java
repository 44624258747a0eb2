package io.curvefs.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Hit rates of ways to evict, on traces that are the same in every run. Prints the table. */
class EvictionTracesTest {
  private static final int ROOM = 5000;

  /** Blocks from here on are read once, and cannot be hit. */
  private static final long SCANNED = 1L << 40;

  /**
   * @param blocks asked for, in order
   * @param from where counting begins: what comes before fills the cache
   */
  private record Trace(long[] blocks, int from) {
    double hitRate(EvictionPolicies.Policy policy) {
      int hits = 0;
      int counted = 0;
      for (int i = 0; i < blocks.length; i++) {
        boolean hit = policy.use(blocks[i]);
        if (i >= from && blocks[i] < SCANNED) {
          counted++;
          hits += hit ? 1 : 0;
        }
      }
      return (double) hits / counted;
    }
  }

  private static final Map<String, Trace> TRACES = new LinkedHashMap<>();
  private static final Map<String, Map<String, Double>> RATES = new LinkedHashMap<>();

  @BeforeAll
  static void measure() {
    for (double times : new double[] {0.9, 1.25, 2, 4}) {
      int set = (int) (ROOM * times);
      TRACES.put("epochs " + times + "x", new Trace(epochs(0, set, 10), set));
    }
    long[] zipf = zipf();
    TRACES.put("zipf", new Trace(zipf, ROOM * 4));
    TRACES.put("zipf+scans", withScans(zipf));
    int set = (int) (ROOM * 0.9);
    TRACES.put(
        "new set",
        new Trace(
            LongStream.concat(
                    Arrays.stream(epochs(0, set, 5)), Arrays.stream(epochs(1 << 30, set, 5)))
                .toArray(),
            set * 6));
    TRACES.put("epochs 0.5x+scan", epochsBesideAScan());
    EvictionPolicies.all().forEach(EvictionTracesTest::measure);
    print();
  }

  private static void measure(String name, IntFunction<EvictionPolicies.Policy> policy) {
    Map<String, Double> rates = new LinkedHashMap<>();
    TRACES.forEach((trace, uses) -> rates.put(trace, uses.hitRate(policy.apply(ROOM))));
    RATES.put(name, rates);
  }

  private static void print() {
    System.out.println("| | " + String.join(" | ", TRACES.keySet()) + " |");
    RATES.forEach(
        (name, rates) -> {
          StringBuilder line = new StringBuilder("| " + name);
          rates.values().forEach(rate -> line.append(" | %.3f".formatted(rate)));
          System.out.println(line.append(" |"));
        });
  }

  /** A set that is read again and again, each time in another order. */
  private static long[] epochs(long first, int set, int count) {
    Random random = new Random(7);
    long[] order = LongStream.range(first, first + set).toArray();
    long[] all = new long[set * count];
    for (int epoch = 0; epoch < count; epoch++) {
      for (int i = set - 1; i > 0; i--) {
        int j = random.nextInt(i + 1);
        long swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
      }
      System.arraycopy(order, 0, all, epoch * set, set);
    }
    return all;
  }

  /** The i-th of ten times as many blocks as there is room for is read i^-0.9 times as often. */
  private static long[] zipf() {
    double[] sums = new double[ROOM * 10];
    double sum = 0;
    for (int i = 0; i < sums.length; i++) {
      sum += Math.pow(i + 1, -0.9);
      sums[i] = sum;
    }
    Random random = new Random(3);
    return IntStream.range(0, ROOM * 20)
        .mapToLong(
            i -> {
              int at = Arrays.binarySearch(sums, random.nextDouble() * sums[sums.length - 1]);
              return at < 0 ? -at - 1 : at;
            })
        .toArray();
  }

  /** Every now and then, twice as many blocks as there is room for are read once. */
  private static Trace withScans(long[] zipf) {
    LongStream.Builder all = LongStream.builder();
    long scanned = SCANNED;
    for (int i = 0; i < zipf.length; i++) {
      all.add(zipf[i]);
      for (int j = 0; i % (ROOM * 4) == ROOM * 3 && j < ROOM * 2; j++) {
        all.add(scanned++);
      }
    }
    return new Trace(all.build().toArray(), ROOM * 6);
  }

  /** For each read of a small set, three blocks are read that nobody reads again. */
  private static Trace epochsBesideAScan() {
    LongStream.Builder all = LongStream.builder();
    long scanned = SCANNED;
    for (long block : epochs(0, ROOM / 2, 10)) {
      all.add(block).add(scanned++).add(scanned++).add(scanned++);
    }
    return new Trace(all.build().toArray(), ROOM * 2);
  }

  private static double rate(String policy, String trace) {
    return RATES.get(policy).get(trace);
  }

  @Test
  void of_shuffled_epochs_larger_than_the_cache_nearly_as_much_is_hit_as_fits() {
    assertThat(rate("DiskIndex", "epochs 0.9x")).isEqualTo(1);
    assertThat(rate("DiskIndex", "epochs 1.25x")).isGreaterThan(0.97 / 1.25);
    assertThat(rate("DiskIndex", "epochs 2.0x")).isGreaterThan(0.95 / 2);
    assertThat(rate("DiskIndex", "epochs 4.0x")).isGreaterThan(0.90 / 4);
  }

  @Test
  void it_is_better_than_LRU_wherever_a_set_does_not_fit() {
    for (String trace : RATES.get("LRU").keySet()) {
      if (!trace.equals("new set")) {
        assertThat(rate("DiskIndex", trace)).as(trace).isGreaterThanOrEqualTo(rate("LRU", trace));
      }
    }
  }

  @Test
  void a_new_set_takes_the_place_of_an_old_one_within_three_epochs() {
    int set = (int) (ROOM * 0.9);
    EvictionPolicies.Policy policy = EvictionPolicies.diskIndex(ROOM);
    new Trace(epochs(0, set, 5), 0).hitRate(policy);
    assertThat(new Trace(epochs(1 << 30, set, 5), set * 4).hitRate(policy)).isGreaterThan(0.95);
  }
}

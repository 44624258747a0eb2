package io.curvefs.client.volume;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RunsTest {
  private static final int BLOCKS = 200;

  @Test
  void random_changes_are_those_of_an_array() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    Runs runs = new Runs();
    long[] model = new long[BLOCKS];
    for (int step = 0; step < 20_000; step++) {
      int from = random.nextInt(BLOCKS);
      int count = 1 + random.nextInt(BLOCKS - from);
      if (random.nextInt(3) == 0) {
        runs.remove(from, from + count);
        java.util.Arrays.fill(model, from, from + count, Run.HOLE);
      } else {
        long address = 1 + random.nextInt(1000);
        runs.put(new Run(from, count, address));
        for (int i = 0; i < count; i++) {
          model[from + i] = address + i;
        }
      }
      int at = random.nextInt(BLOCKS);
      int end = at + 1 + random.nextInt(BLOCKS - at);
      List<Run> found = runs.within(at, end);
      long next = at;
      for (Run run : found) {
        assertThat(run.fileBlock()).as("seed %d step %d", seed, step).isEqualTo(next);
        for (int i = 0; i < run.count(); i++) {
          assertThat(run.isHole() ? Run.HOLE : run.address() + i)
              .as("seed %d step %d", seed, step)
              .isEqualTo(model[(int) run.fileBlock() + i]);
        }
        next = run.end();
      }
      assertThat(next).isEqualTo(end);
    }
  }

  @Test
  void neighbours_become_one() {
    Runs runs = new Runs();
    runs.put(new Run(0, 2, 10));
    runs.put(new Run(2, 3, 12));
    assertThat(runs.all()).containsExactly(new Run(0, 5, 10));
  }
}

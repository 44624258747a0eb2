package io.curvefs.cache.disk;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockId;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PlacementTest {
  private static final int BLOCKS = 10_000;
  private static final List<Path> THREE = List.of(Path.of("/a"), Path.of("/b"), Path.of("/c"));

  private static List<Path> choices(List<Path> directories) {
    Placement placement = new Placement(directories);
    return IntStream.range(0, BLOCKS)
        .mapToObj(i -> new BlockId(i / 3, i % 3, 4096))
        .map(id -> directories.get(placement.ranked(id).get(0)))
        .toList();
  }

  @Test
  void each_directory_gets_about_its_share() {
    for (Path directory : THREE) {
      long share = choices(THREE).stream().filter(directory::equals).count();
      assertThat(share).isBetween(BLOCKS / 3L - 300, BLOCKS / 3L + 300);
    }
  }

  @Test
  void the_order_in_which_they_are_named_does_not_matter() {
    List<Path> turned = List.of(THREE.get(2), THREE.get(0), THREE.get(1));
    assertThat(choices(turned)).isEqualTo(choices(THREE));
  }

  @Test
  void a_new_directory_takes_only_its_own_share_from_the_others() {
    List<Path> before = choices(THREE);
    List<Path> four = new ArrayList<>(THREE);
    four.add(Path.of("/d"));
    List<Path> after = choices(four);
    for (int i = 0; i < BLOCKS; i++) {
      assertThat(after.get(i)).isIn(before.get(i), Path.of("/d"));
    }
  }

  @Test
  void without_its_first_choice_a_block_goes_to_its_second() {
    Placement three = new Placement(THREE);
    Placement two = new Placement(THREE.subList(0, 2));
    for (int i = 0; i < BLOCKS; i++) {
      BlockId id = new BlockId(i, 0, 4096);
      List<Integer> withoutLast = three.ranked(id).stream().filter(place -> place != 2).toList();
      assertThat(two.ranked(id)).isEqualTo(withoutLast);
    }
  }
}

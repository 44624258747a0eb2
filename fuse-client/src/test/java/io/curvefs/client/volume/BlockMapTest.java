package io.curvefs.client.volume;

import static io.curvefs.client.volume.VolumeFixture.INODE;
import static io.curvefs.client.volume.VolumeFixture.filled;
import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.client.meta.Attributes;
import io.curvefs.proto.FileType;
import io.curvefs.proto.Inode;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BlockMapTest {
  private final VolumeFixture on = new VolumeFixture();
  private final BlockMap map = new BlockMap(on.meta, INODE, on.freshness, on.nanos::get);

  @AfterEach
  void end() {
    on.close();
  }

  @Test
  void an_answer_that_was_asked_for_before_a_change_is_void() throws IOException {
    on.write(0, filled(8192, 1));
    on.file.flush();
    AtomicBoolean first = new AtomicBoolean(true);
    on.meta.whileAnswering =
        () -> {
          if (first.getAndSet(false)) {
            on.meta.truncate(INODE, 0); // the answer is on its way
            map.forget();
          }
        };
    assertThat(map.locate(0, 2).runs()).containsExactly(new Run(0, 2, Run.HOLE));
  }

  @Test
  void a_commit_over_the_end_of_what_is_known_is_known_up_to_there() throws IOException {
    map.locate(0, 1); // chunks 0 to 15
    long boundary = 16L * BlockMap.CHUNK_BLOCKS;
    Run run = new Run(boundary - 2, 4, FakeVolumeMeta.VOLUME | 5);
    map.committed(
        Attributes.of(
            Inode.newBuilder()
                .setId(INODE.value())
                .setType(FileType.REGULAR)
                .setDataVersion(2)
                .build()),
        List.of(run));
    assertThat(map.locate(boundary - 2, boundary).runs())
        .containsExactly(run.part(boundary - 2, boundary));
  }

  @Test
  void the_length_is_of_the_version_that_the_blocks_are_of() throws IOException {
    on.write(0, filled(5000, 1));
    on.file.flush();
    assertThat(map.locate(0, 2).of()).isEqualTo(new BlockMap.Version(2, 5000));
    on.meta.truncate(INODE, 10);
    assertThat(map.locate(0, 2).of()).isEqualTo(new BlockMap.Version(2, 5000));
    map.requireVersion(3);
    assertThat(map.locate(0, 2).of()).isEqualTo(new BlockMap.Version(3, 10));
  }
}

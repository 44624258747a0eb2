package io.curvefs.id;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class IdTest {
  @Test
  void an_inode_names_its_partition() {
    assertThat(InodeId.ROOT.partition()).isZero();
    assertThat(new InodeId((5L << 36) + 9).partition()).isEqualTo(5);
  }

  @Test
  void a_slice_names_its_session() {
    SliceId slice = SliceId.of(new SessionId(3), 0xFFFF_FFFFL);
    assertThat(slice.value() >>> 32).isEqualTo(3);
    assertThatThrownBy(() -> SliceId.of(new SessionId(3), 1L << 32))
        .hasMessageContaining("out of range");
  }

  @Test
  void zero_is_no_id() {
    assertThatThrownBy(() -> new InodeId(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new SliceId(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new SessionId(0)).isInstanceOf(IllegalArgumentException.class);
  }
}

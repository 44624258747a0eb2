package io.curvefs.objectstore.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.objectstore.ObjectStore;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

class MemoryObjectStoreTest extends ObjectStoreContract {

  @Override
  protected ObjectStore open() {
    return new MemoryObjectStore();
  }

  @Test
  void giving_a_key_other_bytes_is_noticed_and_repeating_a_put_is_not() throws Exception {
    try (MemoryObjectStore store = new MemoryObjectStore()) {
      store.putAndWait("k", List.of(ByteBuffer.wrap(new byte[] {1})));
      store.putAndWait("k", List.of(ByteBuffer.wrap(new byte[] {1})));
      assertThat(store.rewrites()).isZero();
      store.putAndWait("k", List.of(ByteBuffer.wrap(new byte[] {2})));
      assertThat(store.rewrites()).isEqualTo(1);
    }
  }
}

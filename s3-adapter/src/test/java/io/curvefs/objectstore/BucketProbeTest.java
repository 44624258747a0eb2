package io.curvefs.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.curvefs.objectstore.ObjectStoreException.Kind;
import io.curvefs.objectstore.fault.FaultyObjectStore;
import io.curvefs.objectstore.fault.FaultyObjectStore.Operation;
import io.curvefs.objectstore.testing.MemoryObjectStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BucketProbeTest {

  private final MemoryObjectStore memory = new MemoryObjectStore();
  private final FaultyObjectStore store = new FaultyObjectStore(memory, 1);

  @Test
  void bytes_that_read_back_different_are_found_and_the_probe_is_removed() {
    store.corruptGets(1);
    assertThatThrownBy(() -> BucketProbe.check(store, "p/"))
        .isInstanceOf(ObjectStoreException.class)
        .hasMessageContaining("different from what was written");
    assertThat(store.fired(Operation.GET)).isEqualTo(1);
    assertThat(memory.keys()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Operation.class)
  void a_bucket_that_lacks_any_right_is_found_out(Operation operation) {
    store.failOften(operation, 1, Kind.ACCESS_DENIED);
    ObjectStoreException failure =
        catchThrowableOfType(ObjectStoreException.class, () -> BucketProbe.check(store, "p/"));
    assertThat(failure.kind()).isEqualTo(Kind.ACCESS_DENIED);
    assertThat(store.fired(operation)).isPositive();
    assertThat(memory.keys()).hasSize(operation == Operation.DELETE ? 1 : 0);
  }
}

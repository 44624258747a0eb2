package io.curvefs.objectstore.fault;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.testing.MemoryObjectStore;
import io.curvefs.objectstore.testing.ObjectStoreContract;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class DelayedObjectStoreTest {

  /** It only takes longer. */
  @Nested
  class Contract extends ObjectStoreContract {
    @Override
    protected ObjectStore open() {
      return new DelayedObjectStore(
          new MemoryObjectStore(), Duration.ofMillis(1), DelayedObjectStore.Pause.realTime());
    }
  }

  @Test
  void a_put_waits_for_the_latency_without_a_thread() throws Exception {
    CompletableFuture<Void> time = new CompletableFuture<>();
    MemoryObjectStore memory = new MemoryObjectStore();
    DelayedObjectStore store =
        new DelayedObjectStore(
            memory,
            Duration.ofHours(1),
            duration -> {
              assertThat(duration).isEqualTo(Duration.ofHours(1));
              return time;
            });
    CompletableFuture<Void> put = store.put("a", List.of(ByteBuffer.allocate(1)));
    assertThat(put).isNotDone();
    assertThat(memory.keys()).isEmpty();
    time.complete(null);
    put.get();
    assertThat(memory.keys()).containsExactly("a");
  }
}

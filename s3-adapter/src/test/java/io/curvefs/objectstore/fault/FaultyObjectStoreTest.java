package io.curvefs.objectstore.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.ObjectStoreException.Kind;
import io.curvefs.objectstore.fault.FaultyObjectStore.Operation;
import io.curvefs.objectstore.testing.MemoryObjectStore;
import io.curvefs.objectstore.testing.ObjectStoreContract;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class FaultyObjectStoreTest {

  private final MemoryObjectStore memory = new MemoryObjectStore();
  private final FaultyObjectStore store = new FaultyObjectStore(memory, 42);

  /** Without faults it is a store like any other. */
  @Nested
  class Healthy extends ObjectStoreContract {
    @Override
    protected ObjectStore open() {
      return new FaultyObjectStore(new MemoryObjectStore(), 42);
    }
  }

  private static List<ByteBuffer> body(int... bytes) {
    ByteBuffer buffer = ByteBuffer.allocate(bytes.length);
    for (int b : bytes) {
      buffer.put((byte) b);
    }
    return List.of(buffer.flip());
  }

  private byte[] read(String key, int length) throws ObjectStoreException {
    ByteBuffer into = ByteBuffer.allocate(length);
    store.get(key, length, 0, length, List.of(into));
    return into.array();
  }

  @Test
  void exactly_the_nth_call_fails_with_the_kind_and_without_effect() throws Exception {
    store.failNth(Operation.PUT, 2, Kind.OVERLOADED);
    store.putAndWait("a", body(1));
    ExecutionException failed =
        catchThrowableOfType(ExecutionException.class, () -> store.put("b", body(1)).get());
    assertThat(((ObjectStoreException) failed.getCause()).kind()).isEqualTo(Kind.OVERLOADED);
    store.putAndWait("c", body(1));
    assertThat(memory.keys()).containsExactlyInAnyOrder("a", "c");
    assertThat(store.fired(Operation.PUT)).isEqualTo(1);
  }

  @Test
  void a_lost_reply_fails_a_call_that_took_effect() {
    store.loseReplyOfNth(Operation.PUT, 1, Kind.UNREACHABLE);
    assertThatThrownBy(() -> store.putAndWait("a", body(1)))
        .isInstanceOf(ObjectStoreException.class);
    assertThat(memory.keys()).containsExactly("a");
  }

  @Test
  void corrupt_gets_differ_by_one_bit_and_say_nothing() throws Exception {
    store.putAndWait("a", body(1, 2, 3, 4));
    store.corruptGets(1);
    byte[] found = read("a", 4);
    BitSet difference = BitSet.valueOf(found);
    difference.xor(BitSet.valueOf(new byte[] {1, 2, 3, 4}));
    assertThat(difference.cardinality()).isEqualTo(1);
    assertThat(read("a", 4)).containsExactly(1, 2, 3, 4);
    assertThat(store.fired(Operation.GET)).isEqualTo(1);
  }

  @Test
  void chance_comes_from_the_seed_alone() {
    assertThat(failures(7)).isEqualTo(failures(7)).isNotEqualTo(failures(8));
    assertThat(failures(7).cardinality()).isBetween(20, 80);
  }

  private static BitSet failures(long seed) {
    FaultyObjectStore chancy = new FaultyObjectStore(new MemoryObjectStore(), seed);
    chancy.failOften(Operation.DELETE, 0.5, Kind.OVERLOADED);
    BitSet failed = new BitSet();
    for (int i = 0; i < 100; i++) {
      try {
        chancy.delete(List.of("x"));
      } catch (ObjectStoreException e) {
        failed.set(i);
      }
    }
    return failed;
  }

  @Test
  void a_held_put_holds_no_thread_and_arrives_when_released() throws Exception {
    store.hold(Operation.PUT);
    CompletableFuture<Void> put = store.put("a", body(1));
    assertThat(put).isNotDone();
    assertThat(memory.keys()).isEmpty();
    assertThat(store.held(Operation.PUT)).isEqualTo(1);
    store.release(Operation.PUT);
    put.get();
    assertThat(memory.keys()).containsExactly("a");
    assertThat(store.held(Operation.PUT)).isZero();
  }

  @Test
  void a_held_get_waits_and_heal_lets_it_go() throws Exception {
    store.putAndWait("a", body(9));
    store.hold(Operation.GET);
    CompletableFuture<byte[]> got = new CompletableFuture<>();
    Thread reader =
        new Thread(
            () -> {
              try {
                got.complete(read("a", 1));
              } catch (ObjectStoreException e) {
                got.completeExceptionally(e);
              }
            });
    reader.start();
    while (store.held(Operation.GET) == 0) {
      Thread.onSpinWait();
    }
    assertThat(got).isNotDone();
    store.heal();
    assertThat(got.get()).containsExactly(9);
  }
}

package io.curvefs.metaserver.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateStoreTest {
  private static final byte[] KEY = {1, 2};
  private static final byte[] OLD = {3};
  private static final byte[] NEW = {4};

  @TempDir Path directory;

  private final StoreResources resources = new StoreResources(16 << 20, 16 << 20);

  @AfterEach
  void close() {
    resources.close();
  }

  private StateStore open(Path store) throws IOException {
    return StateStore.open(store, resources);
  }

  private static void put(StateStore store, byte[] value) {
    WriteSet changes = new WriteSet(store);
    changes.put(KEY, value);
    store.write(changes);
  }

  private Path checkpoint(byte[] value) throws IOException {
    Path target = directory.resolve("checkpoint-" + value[0]);
    try (StateStore store = open(directory.resolve("source-" + value[0]))) {
      put(store, value);
      store.checkpoint(target);
    }
    return target;
  }

  private static List<Path> filesIn(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.toList();
    }
  }

  @Test
  void a_restored_store_has_the_rows_of_the_checkpoint_and_keeps_them() throws IOException {
    Path state = directory.resolve("state");
    try (StateStore store = open(state)) {
      put(store, OLD);
      store.restore(checkpoint(NEW));
      assertThat(store.get(KEY)).isEqualTo(NEW);
    }
    try (StateStore store = open(state)) {
      assertThat(store.get(KEY)).isEqualTo(NEW);
    }
  }

  /** The new files are there in part, with what names them among them if it were not the last. */
  @Test
  void a_store_whose_restore_broke_off_while_copying_is_empty_and_can_be_restored()
      throws IOException {
    Path broken = directory.resolve("broken");
    Path current = broken.resolve("CURRENT");
    Files.createDirectory(broken);
    for (int i = 0; i == 0 || !filesIn(broken).get(0).equals(current); i++) {
      assertThat(i).as("no name comes behind CURRENT").isLessThan(1000);
      Files.deleteIfExists(current);
      for (Path file : filesIn(broken)) {
        Files.delete(file);
      }
      Files.createSymbolicLink(broken.resolve("MANIFEST-" + i), directory.resolve("absent"));
      Files.writeString(current, "MANIFEST-" + i + "\n");
    }
    Path state = directory.resolve("state");
    try (StateStore store = open(state)) {
      put(store, OLD);
      assertThatThrownBy(() -> store.restore(broken)).isInstanceOf(IOException.class);
    }

    try (StateStore store = open(state)) {
      assertThat(store.get(KEY)).isNull();
      store.restore(checkpoint(NEW));
      assertThat(store.get(KEY)).isEqualTo(NEW);
    }
  }

  /** Whatever else of the old store or the new one is there, without CURRENT it is no store. */
  @Test
  void a_store_whose_restore_was_killed_at_any_step_is_empty_and_can_be_restored()
      throws IOException {
    Path checkpoint = checkpoint(NEW);
    List<Path> others = new ArrayList<>(filesIn(checkpoint(OLD)));
    others.removeIf(file -> file.endsWith("CURRENT"));
    for (int left = 0; left <= others.size(); left++) {
      Path state = Files.createDirectory(directory.resolve("state-" + left));
      for (Path file : others.subList(0, left)) {
        Files.copy(file, state.resolve(file.getFileName().toString()));
      }
      Files.createFile(state.resolve("CURRENT.new"));

      try (StateStore store = open(state)) {
        assertThat(store.get(KEY)).isNull();
        store.restore(checkpoint);
        assertThat(store.get(KEY)).isEqualTo(NEW);
      }
    }
  }

  @Test
  void frozen_rows_stay_as_they_were() throws IOException {
    try (StateStore store = open(directory.resolve("state"))) {
      put(store, OLD);
      try (StateStore.FrozenRows frozen = store.freeze()) {
        put(store, NEW);

        assertThat(frozen.get(KEY)).isEqualTo(OLD);
        assertThat(frozen.scan(KEY, null, 1).get(0).value()).isEqualTo(OLD);
        assertThat(frozen.lower(new byte[] {1}, new byte[] {1, 3}).value()).isEqualTo(OLD);
        assertThat(store.get(KEY)).isEqualTo(NEW);
      }
    }
  }

  @Test
  void frozen_rows_of_a_store_that_was_restored_are_refused() throws IOException {
    try (StateStore store = open(directory.resolve("state"))) {
      put(store, OLD);
      try (StateStore.FrozenRows frozen = store.freeze()) {
        store.restore(checkpoint(NEW));

        assertThatThrownBy(() -> frozen.get(KEY)).isInstanceOf(IllegalStateException.class);
      }
    }
  }

  @Test
  void the_row_before_a_key_is_found_under_its_prefix_only() throws IOException {
    try (StateStore store = open(directory.resolve("state"))) {
      put(store, OLD);

      assertThat(store.lower(new byte[] {1}, new byte[] {1, 9}).key()).isEqualTo(KEY);
      assertThat(store.lower(new byte[] {1}, KEY)).isNull();
      assertThat(store.lower(new byte[] {2}, new byte[] {2, 9})).isNull();
    }
  }
}

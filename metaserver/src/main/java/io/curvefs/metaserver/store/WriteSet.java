package io.curvefs.metaserver.store;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Changes that are not in the store yet, readable as if they were. One thread. A failed step is
 * undone by {@link #rollback} to where {@link #mark} was called.
 */
public final class WriteSet implements View {
  private static final Comparator<byte[]> UNSIGNED = Arrays::compareUnsigned;

  /** Stands for no value; told by identity. */
  private static final byte[] DELETED = new byte[0];

  private final View below;

  /** The new value of each changed key. */
  private final NavigableMap<byte[], byte[]> changes = new TreeMap<>(UNSIGNED);

  /** What {@link #changes} held before each change since the mark; null: nothing. */
  private final List<Undo> undo = new ArrayList<>();

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Undo(byte[] key, byte @Nullable [] before) {}

  public WriteSet(View below) {
    this.below = below;
  }

  @Override
  public byte @Nullable [] get(byte[] key) {
    byte[] changed = changes.get(key);
    if (changed == null) {
      return below.get(key);
    }
    return changed == DELETED ? null : changed;
  }

  @Override
  public List<Row> scan(byte[] prefix, byte @Nullable [] after, int limit) {
    NavigableMap<byte[], byte[]> changed = changedUnder(prefix, after);
    if (changed.isEmpty()) {
      return below.scan(prefix, after, limit);
    }
    // Deletions hide rows below, so ask for as many more.
    List<Row> stored = below.scan(prefix, after, limit + changed.size());
    NavigableMap<byte[], byte[]> merged = new TreeMap<>(UNSIGNED);
    for (Row row : stored) {
      merged.put(row.key(), row.value());
    }
    byte[] lastStored =
        stored.size() == limit + changed.size() ? stored.get(stored.size() - 1).key() : null;
    changed.forEach(
        (key, value) -> {
          if (lastStored == null || UNSIGNED.compare(key, lastStored) <= 0) {
            if (value == DELETED) {
              merged.remove(key);
            } else {
              merged.put(key, value);
            }
          }
        });
    List<Row> rows = new ArrayList<>();
    for (Map.Entry<byte[], byte[]> row : merged.entrySet()) {
      if (rows.size() == limit) {
        break;
      }
      rows.add(new Row(row.getKey(), row.getValue()));
    }
    return rows;
  }

  @Override
  public @Nullable Row lower(byte[] prefix, byte[] key) {
    Row changed = lowerChanged(prefix, key);
    Row stored = below.lower(prefix, key);
    while (stored != null && changes.get(stored.key()) == DELETED) {
      stored = below.lower(prefix, stored.key());
    }
    if (changed == null || stored == null) {
      return changed == null ? stored : changed;
    }
    return UNSIGNED.compare(stored.key(), changed.key()) <= 0 ? changed : stored;
  }

  private @Nullable Row lowerChanged(byte[] prefix, byte[] key) {
    Map.Entry<byte[], byte[]> change = changes.lowerEntry(key);
    while (change != null && Keys.startsWith(change.getKey(), prefix)) {
      if (change.getValue() != DELETED) {
        return new Row(change.getKey(), change.getValue());
      }
      change = changes.lowerEntry(change.getKey());
    }
    return null;
  }

  private NavigableMap<byte[], byte[]> changedUnder(byte[] prefix, byte @Nullable [] after) {
    NavigableMap<byte[], byte[]> tail =
        after == null ? changes.tailMap(prefix, true) : changes.tailMap(after, false);
    NavigableMap<byte[], byte[]> under = new TreeMap<>(UNSIGNED);
    for (Map.Entry<byte[], byte[]> change : tail.entrySet()) {
      if (!Keys.startsWith(change.getKey(), prefix)) {
        break;
      }
      under.put(change.getKey(), change.getValue());
    }
    return under;
  }

  public void put(byte[] key, byte[] value) {
    undo.add(new Undo(key, changes.put(key, value)));
  }

  public void delete(byte[] key) {
    undo.add(new Undo(key, changes.put(key, DELETED)));
  }

  /** Everything up to here stays, whatever is rolled back later. */
  public void mark() {
    undo.clear();
  }

  /** Undoes every change since the last {@link #mark}. */
  public void rollback() {
    for (int i = undo.size() - 1; i >= 0; i--) {
      Undo change = undo.get(i);
      if (change.before == null) {
        changes.remove(change.key);
      } else {
        changes.put(change.key, change.before);
      }
    }
    undo.clear();
  }

  /** Visits every change in key order. */
  public void forEach(BiConsumer<byte[], byte[]> put, Consumer<byte[]> delete) {
    changes.forEach(
        (key, value) -> {
          if (value == DELETED) {
            delete.accept(key);
          } else {
            put.accept(key, value);
          }
        });
  }
}

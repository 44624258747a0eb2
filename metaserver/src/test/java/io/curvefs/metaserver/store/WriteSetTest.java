package io.curvefs.metaserver.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.metaserver.testing.MemoryRows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

class WriteSetTest {
  /** Short keys over a small alphabet, so that prefixes and collisions are common. */
  private static byte[] key(Random random) {
    byte[] key = new byte[1 + random.nextInt(3)];
    for (int i = 0; i < key.length; i++) {
      key[i] = (byte) (random.nextInt(3) * 127);
    }
    return key;
  }

  @Property
  void reads_as_if_everything_were_in_one_map(@ForAll long seed) {
    Random random = new Random(seed);
    MemoryRows below = new MemoryRows();
    NavigableMap<byte[], byte[]> model = new TreeMap<>(Arrays::compareUnsigned);
    WriteSet stored = new WriteSet(below);
    for (int i = 0; i < 20; i++) {
      byte[] key = key(random);
      stored.put(key, new byte[] {(byte) i});
      model.put(key, new byte[] {(byte) i});
    }
    below.write(stored);
    WriteSet rows = new WriteSet(below);
    NavigableMap<byte[], byte[]> marked = new TreeMap<>(model);
    for (int i = 0; i < 60; i++) {
      byte[] key = key(random);
      switch (random.nextInt(8)) {
        case 0 -> {
          rows.mark();
          marked = new TreeMap<>(model);
        }
        case 1 -> {
          rows.rollback();
          model = new TreeMap<>(marked);
        }
        case 2, 3 -> {
          rows.delete(key);
          model.remove(key);
        }
        default -> {
          rows.put(key, new byte[] {(byte) i});
          model.put(key, new byte[] {(byte) i});
        }
      }
      assertThat(rows.get(key)).isEqualTo(model.get(key));
      byte[] prefix = Arrays.copyOf(key(random), 1);
      byte[] after = random.nextBoolean() ? null : concat(prefix, key(random));
      int limit = 1 + random.nextInt(5);
      assertThat(scan(rows, prefix, after, limit)).isEqualTo(scan(model, prefix, after, limit));
      byte[] bound = concat(prefix, key(random));
      assertThat(lower(rows, prefix, bound)).isEqualTo(lower(model, prefix, bound));
    }
  }

  private static byte[] concat(byte[] a, byte[] b) {
    byte[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }

  private static String lower(View view, byte[] prefix, byte[] bound) {
    View.Row row = view.lower(prefix, bound);
    return row == null ? null : Arrays.toString(row.key()) + Arrays.toString(row.value());
  }

  private static String lower(NavigableMap<byte[], byte[]> model, byte[] prefix, byte[] bound) {
    Map.Entry<byte[], byte[]> row = model.lowerEntry(bound);
    return row == null || !Keys.startsWith(row.getKey(), prefix)
        ? null
        : Arrays.toString(row.getKey()) + Arrays.toString(row.getValue());
  }

  private static List<String> scan(View view, byte[] prefix, byte[] after, int limit) {
    return view.scan(prefix, after, limit).stream()
        .map(row -> Arrays.toString(row.key()) + Arrays.toString(row.value()))
        .toList();
  }

  private static List<String> scan(
      NavigableMap<byte[], byte[]> model, byte[] prefix, byte[] after, int limit) {
    List<String> found = new ArrayList<>();
    model.forEach(
        (key, value) -> {
          boolean behind = after == null || Arrays.compareUnsigned(key, after) > 0;
          if (behind && Keys.startsWith(key, prefix) && found.size() < limit) {
            found.add(Arrays.toString(key) + Arrays.toString(value));
          }
        });
    return found;
  }
}

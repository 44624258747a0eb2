package io.curvefs.metaserver.testing;

import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View;
import io.curvefs.metaserver.store.WriteSet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/** Rows in memory: what a store is to a replica, without a disk. */
public final class MemoryRows implements View {
  private final NavigableMap<byte[], byte[]> rows = new TreeMap<>(Arrays::compareUnsigned);

  @Override
  public byte[] get(byte[] key) {
    return rows.get(key);
  }

  @Override
  public List<Row> scan(byte[] prefix, byte[] after, int limit) {
    List<Row> found = new ArrayList<>();
    NavigableMap<byte[], byte[]> tail =
        after == null ? rows.tailMap(prefix, true) : rows.tailMap(after, false);
    for (Map.Entry<byte[], byte[]> row : tail.entrySet()) {
      if (found.size() == limit || !Keys.startsWith(row.getKey(), prefix)) {
        break;
      }
      found.add(new Row(row.getKey(), row.getValue()));
    }
    return found;
  }

  @Override
  public Row lower(byte[] prefix, byte[] key) {
    Map.Entry<byte[], byte[]> row = rows.lowerEntry(key);
    return row != null && Keys.startsWith(row.getKey(), prefix)
        ? new Row(row.getKey(), row.getValue())
        : null;
  }

  public void write(WriteSet changes) {
    changes.forEach(rows::put, rows::remove);
  }

  /** Every row, printed: two stores that print the same are the same. */
  public String dump() {
    StringBuilder text = new StringBuilder();
    HexFormat hex = HexFormat.of();
    rows.forEach(
        (key, value) ->
            text.append(hex.formatHex(key)).append('=').append(hex.formatHex(value)).append('\n'));
    return text.toString();
  }
}

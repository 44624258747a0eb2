package io.curvefs.metaserver.store;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows, ordered by key as unsigned bytes. */
public interface View {
  /** The value of a key, or null. The caller may keep it. */
  byte @Nullable [] get(byte[] key);

  /**
   * Rows whose keys begin with a prefix, in order.
   *
   * @param after only rows behind this key; null: from the first
   * @param limit most rows to return
   */
  List<Row> scan(byte[] prefix, byte @Nullable [] after, int limit);

  /** The row with the greatest key before this one, of those that begin with a prefix; or null. */
  @Nullable Row lower(byte[] prefix, byte[] key);

  /** One row. The arrays belong to the caller. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Row(byte[] key, byte[] value) {}
}

package io.curvefs.objectstore;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One page of a listing, in the order of the keys.
 *
 * @param objects the objects of this page, at most as many as asked for
 * @param more whether objects follow this page; then the page is not empty
 */
public record ListPage(List<Item> objects, boolean more) {

  public ListPage {
    objects = List.copyOf(objects);
    if (more && objects.isEmpty()) {
      throw new IllegalArgumentException("an empty page cannot have a successor");
    }
  }

  /** The {@code startAfter} of the next page, or null when this is the last. */
  public @Nullable String next() {
    return more ? objects.get(objects.size() - 1).key() : null;
  }

  /**
   * An object as a listing shows it.
   *
   * @param key the whole key
   * @param bytes its length
   * @param modified when the store received it, by the store's clock
   */
  public record Item(String key, long bytes, Instant modified) {}
}

package io.curvefs.cache.memcached;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Consistent hashing: a ring of points, {@link #POINTS} of each server, at places that follow from
 * its name alone. What hashes between two points belongs to the server of the latter, so that a
 * server that comes or goes moves only its own share. Immutable; pure.
 *
 * @param <S> what is known of a server
 */
final class HashRing<S> {
  /** Points of a server. With so many, shares differ by about a tenth. */
  static final int POINTS = 160;

  private record Point<S>(long place, String name, S server) {}

  private final List<Point<S>> points;

  private HashRing(List<Point<S>> points) {
    this.points = points;
  }

  /** The ring of these servers, in whatever order; {@code toString} names each. */
  static <S> HashRing<S> of(Iterable<S> servers) {
    List<Point<S>> points = new ArrayList<>();
    for (S server : servers) {
      String name = server.toString();
      for (int i = 0; i < POINTS / 2; i++) {
        ByteBuffer digest = md5(name + "-" + i);
        points.add(new Point<>(digest.getLong(), name, server));
        points.add(new Point<>(digest.getLong(), name, server));
      }
    }
    // By name where two coincide, so that all hosts agree.
    points.sort(Comparator.<Point<S>>comparingLong(Point::place).thenComparing(Point::name));
    return new HashRing<>(List.copyOf(points));
  }

  /** The nearest usable server at {@code hash} or behind it; null if none is usable. */
  @Nullable S find(long hash, Predicate<S> usable) {
    int start = firstAtOrBehind(hash);
    S unusable = null;
    for (int i = 0; i < points.size(); i++) {
      S server = points.get((start + i) % points.size()).server();
      if (server != unusable && usable.test(server)) {
        return server;
      }
      unusable = server;
    }
    return null;
  }

  private int firstAtOrBehind(long hash) {
    int low = 0;
    int high = points.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (points.get(middle).place() < hash) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static ByteBuffer md5(String text) {
    try {
      return ByteBuffer.wrap(
          MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has MD5", e);
    }
  }
}

package io.curvefs.objectstore;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counters of one {@link ObjectStore}. They count what happens on the wire: every attempt is a
 * request, so a put that needed three attempts is three PUTs and two retries. Any thread may count
 * and read.
 */
public final class ObjectStoreMetrics {

  /** The requests that are told apart. Both ways to delete are DELETE. */
  public enum Verb {
    PUT,
    GET,
    DELETE,
    LIST,
    HEAD
  }

  /** How many attempts of one verb have ended, and the time they took together. */
  private static final class Ended {
    final LongAdder attempts = new LongAdder();
    final LongAdder nanos = new LongAdder();
  }

  private final Map<Verb, Ended> ended = new EnumMap<>(Verb.class);

  private final LongAdder puts = new LongAdder();
  private final LongAdder gets = new LongAdder();
  private final LongAdder deletes = new LongAdder();
  private final LongAdder lists = new LongAdder();
  private final LongAdder heads = new LongAdder();
  private final LongAdder retries = new LongAdder();
  private final LongAdder errors = new LongAdder();
  private final LongAdder bytesSent = new LongAdder();
  private final LongAdder bytesReceived = new LongAdder();

  public ObjectStoreMetrics() {
    for (Verb verb : Verb.values()) {
      ended.put(verb, new Ended());
    }
  }

  /** One attempt begins. */
  public void request(Verb verb) {
    LongAdder counter =
        switch (verb) {
          case PUT -> puts;
          case GET -> gets;
          case DELETE -> deletes;
          case LIST -> lists;
          case HEAD -> heads;
        };
    counter.increment();
  }

  /** An attempt ended, well or not, so long after its first byte was sent. */
  public void ended(Verb verb, long nanos) {
    Ended all = of(verb);
    all.attempts.increment();
    all.nanos.add(nanos);
  }

  private Ended of(Verb verb) {
    Ended all = ended.get(verb);
    if (all == null) {
      throw new IllegalStateException("the constructor has put every verb");
    }
    return all;
  }

  /** Attempts that have ended. */
  public long attemptsEnded(Verb verb) {
    return of(verb).attempts.sum();
  }

  /** The time that the attempts which have ended took together. */
  public long nanos(Verb verb) {
    return of(verb).nanos.sum();
  }

  /** An attempt failed and another one will follow. */
  public void retry() {
    retries.increment();
  }

  /** A call ended in an {@link ObjectStoreException}. */
  public void error() {
    errors.increment();
  }

  /** An attempt to write this many bytes begins. */
  public void sent(long bytes) {
    bytesSent.add(bytes);
  }

  /** This many bytes of an object arrived. */
  public void received(long bytes) {
    bytesReceived.add(bytes);
  }

  /** All counters, each exact, not necessarily of the same instant. */
  public Snapshot snapshot() {
    return new Snapshot(
        puts.sum(),
        gets.sum(),
        deletes.sum(),
        lists.sum(),
        heads.sum(),
        retries.sum(),
        errors.sum(),
        bytesSent.sum(),
        bytesReceived.sum());
  }

  /**
   * The counters since the store was opened.
   *
   * @param retries attempts that failed and were followed by another
   * @param errors calls that ended in an exception
   * @param bytesSent bytes of object bodies handed to attempts
   * @param bytesReceived bytes of object bodies that arrived, good or not
   */
  public record Snapshot(
      long puts,
      long gets,
      long deletes,
      long lists,
      long heads,
      long retries,
      long errors,
      long bytesSent,
      long bytesReceived) {}
}

package io.curvefs.cache.tier;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One load per block at a time: the first to ask loads, those who ask meanwhile wait and share the
 * outcome, be it content or exception. But a load that failed because its own thread was
 * interrupted says nothing about the block: one of those who wait then loads in its place. So does
 * one of them when the thread that loads is stuck, and not to be waited for. Thread-safe.
 */
final class SingleFlight {
  interface Loader {
    PagedBytes load() throws IOException;
  }

  /** So often who waits asks whether the thread that loads is stuck. */
  private static final long LOOK_MILLIS = 250;

  private static final class Flight {
    final Thread pilot = Thread.currentThread();

    /** Null: whoever loaded was interrupted. */
    final CompletableFuture<@Nullable PagedBytes> outcome = new CompletableFuture<>();

    /**
     * Those who wait. Grows only inside the map, hence never after the flight was removed from it.
     */
    volatile int passengers;
  }

  private final Predicate<Thread> stuck;
  private final ConcurrentMap<BlockId, Flight> flights = new ConcurrentHashMap<>();

  /**
   * @param stuck whether a thread that loads cannot be waited for any longer; its loader then goes
   *     another way on another thread
   */
  SingleFlight(Predicate<Thread> stuck) {
    this.stuck = stuck;
  }

  /** The content with a reference for the caller, loaded by this thread or by another one. */
  PagedBytes load(BlockId id, Loader loader) throws IOException {
    while (true) {
      Flight mine = new Flight();
      Flight flight = flights.compute(id, (key, current) -> board(current, mine));
      PagedBytes content = flight == mine ? fly(id, mine, loader) : await(id, flight);
      if (content != null) {
        return content;
      }
    }
  }

  boolean isLoading(BlockId id) {
    return flights.containsKey(id);
  }

  /** How many wait for another thread to load the block. */
  int passengers(BlockId id) {
    Flight flight = flights.get(id);
    return flight == null ? 0 : flight.passengers;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate")
  private static Flight board(@Nullable Flight current, Flight mine) {
    if (current == null) {
      return mine;
    }
    current.passengers++; // nobody else writes: the map runs one compute per key at a time
    return current;
  }

  private PagedBytes fly(BlockId id, Flight flight, Loader loader) throws IOException {
    PagedBytes content;
    try {
      content = loader.load();
    } catch (Throwable e) {
      flights.remove(id, flight);
      if (Thread.currentThread().isInterrupted()) {
        flight.outcome.complete(null);
      } else {
        flight.outcome.completeExceptionally(e);
      }
      throw e;
    }
    flights.remove(id, flight);
    for (int i = 0; i < flight.passengers; i++) {
      content.retain();
    }
    flight.outcome.complete(content);
    return content;
  }

  /**
   * As long as the load takes; loaders promise to be bounded, but for those that are stuck. Null if
   * its thread was interrupted, or is stuck.
   */
  private @Nullable PagedBytes await(BlockId id, Flight flight) throws IOException {
    try {
      while (true) {
        try {
          return flight.outcome.get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
          if (stuck.test(flight.pilot)) {
            flights.remove(id, flight);
            leave(flight);
            return null;
          }
        }
      }
    } catch (ExecutionException e) {
      Throwable why = e.getCause();
      if (why instanceof IOException failure) {
        throw failure;
      }
      throw new IOException("loading failed: " + why, why);
    } catch (InterruptedException e) {
      leave(flight);
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for a block");
    }
  }

  /** Gives back, when it comes, the reference that was meant for us. */
  private static void leave(Flight flight) {
    flight.outcome.thenAccept(SingleFlight::giveBack);
  }

  private static void giveBack(@Nullable PagedBytes content) {
    if (content != null) {
      content.release();
    }
  }
}

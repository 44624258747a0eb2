package io.curvefs.client.vfs;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Numbers for open things, as a front end hands them out. Thread-safe.
 *
 * @param <T> the open things
 */
final class Handles<T> {
  private final Map<Long, T> open = new ConcurrentHashMap<>();
  private final AtomicLong last = new AtomicLong();

  long add(T thing) {
    long handle = last.incrementAndGet();
    open.put(handle, thing);
    return handle;
  }

  T get(long handle) throws RefusedException {
    T thing = open.get(handle);
    if (thing == null) {
      throw new RefusedException(Refusal.EBADF);
    }
    return thing;
  }

  T remove(long handle) throws RefusedException {
    T thing = open.remove(handle);
    if (thing == null) {
      throw new RefusedException(Refusal.EBADF);
    }
    return thing;
  }

  int size() {
    return open.size();
  }
}

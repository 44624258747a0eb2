package io.curvefs.space.device.posix;

import java.io.IOException;
import java.util.concurrent.TimeUnit;

/**
 * Waits until a descriptor is ready or somebody wakes it: poll(2) on the descriptor and an
 * eventfd(2). One thread may wait at a time; any may wake it.
 */
public final class Poller implements AutoCloseable {
  private static final LibC LIBC = LibC.INSTANCE;

  /** The number 1, which wakes; never freed. */
  private static final long ONE = NativeMemory.allocate(Long.BYTES);

  static {
    NativeMemory.putLong(ONE, 1);
  }

  /** Offsets in two {@code struct pollfd} and the number that an eventfd is emptied into. */
  private static final int EVENTS = 4;

  private static final int READY = 6;
  private static final int SECOND = 8;
  private static final int EMPTIED = 16;

  private final int wakeUp;
  private final long memory;

  /** Opens the eventfd. */
  public Poller() throws IOException {
    wakeUp = LIBC.eventfd(0, LibC.EFD_NONBLOCK | LibC.EFD_CLOEXEC);
    if (wakeUp < 0) {
      throw new IOException("no eventfd: " + Errno.text(Errno.last()));
    }
    memory = NativeMemory.allocate(EMPTIED + Long.BYTES);
    NativeMemory.putInt(memory + SECOND, wakeUp);
    NativeMemory.putShort(memory + SECOND + EVENTS, (short) LibC.POLLIN);
  }

  /**
   * Waits.
   *
   * @param events {@link LibC#POLLIN}, {@link LibC#POLLOUT}, both or 0
   * @param nanosMax how long at most
   * @return what happened to the descriptor; 0 when time passed or somebody woke the waiting
   */
  public int await(int descriptor, int events, long nanosMax) throws IOException {
    NativeMemory.putInt(memory, descriptor);
    NativeMemory.putShort(memory + EVENTS, (short) events);
    NativeMemory.putShort(memory + READY, (short) 0);
    NativeMemory.putShort(memory + SECOND + READY, (short) 0);
    long millis = TimeUnit.NANOSECONDS.toMillis(Math.max(0, nanosMax) + 999_999);
    int ready = LIBC.poll(memory, 2, (int) Math.min(millis, Integer.MAX_VALUE));
    if (ready < 0) {
      int errno = Errno.last();
      if (errno == Errno.EINTR) {
        return 0;
      }
      throw new IOException("poll: " + Errno.text(errno));
    }
    if (NativeMemory.getShort(memory + SECOND + READY) != 0) {
      LIBC.read(wakeUp, memory + EMPTIED, Long.BYTES);
    }
    return NativeMemory.getShort(memory + READY);
  }

  /** Ends the waiting, or the next one if nobody waits. */
  public void wake() {
    LIBC.write(wakeUp, ONE, Long.BYTES);
  }

  /** Only when nobody waits or wakes any more. */
  @Override
  public void close() {
    LIBC.close(wakeUp);
    NativeMemory.free(memory);
  }
}

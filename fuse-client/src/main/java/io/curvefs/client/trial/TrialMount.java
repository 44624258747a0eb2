package io.curvefs.client.trial;

import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.quickstart.AbandonedMount;
import io.curvefs.client.quickstart.Children;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/** A mount that dies and comes back at the same place. Thread-safe. */
final class TrialMount {
  private static final long POLL_MILLIS = 50;

  /** After a remount: an odd moment is one at which it is dead. */
  private final AtomicInteger life = new AtomicInteger();

  private final Path root;
  private final Remount remount;

  /** Mounts again. */
  @FunctionalInterface
  interface Remount {
    void at(Path root) throws IOException;
  }

  TrialMount(Path root, Remount remount) throws IOException {
    this.root = root;
    this.remount = remount;
    remount.at(root);
  }

  Path root() {
    return root;
  }

  /** Even while it is mounted; another number after each death. */
  int life() {
    return life.get();
  }

  /** SIGKILL, and a new mount. */
  synchronized void kill() throws IOException {
    life.incrementAndGet();
    AbandonedMount.remove(root);
    remount.at(root);
    life.incrementAndGet();
  }

  /** Waits until it is there; returns which life that is. */
  int awaitAlive() throws IOException {
    int now;
    while ((now = life.get()) % 2 != 0) {
      Children.pause(POLL_MILLIS);
    }
    return now;
  }

  /** The kernel and the mount forget what they may. */
  synchronized void dropCaches() throws IOException {
    MountHandle.containing(root).dropCaches();
  }
}

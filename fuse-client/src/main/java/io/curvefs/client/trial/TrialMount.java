package io.curvefs.client.trial;

import io.curvefs.client.mount.MountHandle;
import io.curvefs.client.quickstart.AbandonedMount;
import io.curvefs.client.quickstart.Children;
import io.curvefs.fault.FaultPoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A mount that dies and comes back at the same place. Thread-safe. */
final class TrialMount implements Mortal {
  private static final long POLL_MILLIS = 50;

  /** An odd number while it is known to be dead. */
  private final AtomicInteger life = new AtomicInteger();

  private final Path root;
  private final Mounting mounting;

  /** Who serves it; empty: it had died before anybody could ask. */
  private volatile Optional<ProcessHandle> process;

  /** Mounts; returns whether the process will die as wished. */
  @FunctionalInterface
  interface Mounting {
    boolean at(Path root, @Nullable DeathWish wish) throws IOException;
  }

  TrialMount(Path root, Mounting mounting) throws IOException {
    this.root = root;
    this.mounting = mounting;
    mounting.at(root, null);
    this.process = serving();
  }

  private Optional<ProcessHandle> serving() {
    try {
      return ProcessHandle.of(MountHandle.containing(root).pid());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  Path root() {
    return root;
  }

  @Override
  public FaultPoint.Role role() {
    return FaultPoint.Role.CLIENT;
  }

  @Override
  public String name() {
    return root.getFileName().toString();
  }

  /** Even while it is mounted; another number after each death. */
  int life() {
    return life.get();
  }

  @Override
  public boolean isAlive() {
    return life.get() % 2 == 0 && process.map(ProcessHandle::isAlive).orElse(false);
  }

  @Override
  public synchronized void die() throws IOException {
    life.incrementAndGet();
    AbandonedMount.remove(root);
  }

  @Override
  public synchronized boolean live(@Nullable DeathWish wish) throws IOException {
    boolean wished = mounting.at(root, wish);
    process = serving();
    life.incrementAndGet();
    return wished;
  }

  /** Waits until it is there; returns which life that is. */
  int awaitAlive() throws IOException {
    while (true) {
      int now = life.get();
      if (isAlive() && life.get() == now) {
        return now;
      }
      Children.pause(POLL_MILLIS);
    }
  }

  /** The kernel and the mount forget what they may. */
  synchronized void dropCaches() throws IOException {
    MountHandle.containing(root).dropCaches();
  }
}

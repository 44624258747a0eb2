package io.curvefs.client.trial;

import io.curvefs.fault.FaultPoint;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A process of the trial that dies, and comes back. One thread ends and begins its lives. */
interface Mortal {
  FaultPoint.Role role();

  /** For people. */
  String name();

  boolean isAlive();

  /** SIGKILL, unless it has died of itself. */
  void die() throws IOException;

  /**
   * Begins a new life.
   *
   * @param wish where it is to die of itself; null: nowhere
   * @return whether it will: one that dies before it serves is begun without the wish
   */
  boolean live(@Nullable DeathWish wish) throws IOException;
}

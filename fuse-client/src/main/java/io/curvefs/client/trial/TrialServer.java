package io.curvefs.client.trial;

import io.curvefs.fault.FaultPoint;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A metaserver of the installation, by its number. */
record TrialServer(Installation installation, int number) implements Mortal {
  @Override
  public FaultPoint.Role role() {
    return FaultPoint.Role.METASERVER;
  }

  @Override
  public String name() {
    return "metaserver " + number;
  }

  @Override
  public boolean isAlive() {
    return installation.isServerAlive(number);
  }

  @Override
  public void die() throws IOException {
    installation.killServer(number);
  }

  @Override
  public boolean live(@Nullable DeathWish wish) throws IOException {
    return installation.startServer(number, wish);
  }
}

package io.curvefs.client.quickstart;

import java.io.IOException;
import java.io.PrintStream;

/** A small cluster brought up and measured; it stays until {@link Teardown}. */
public final class Quickstart {
  private final Layout layout;
  private final Home home;
  private final Coordinator coordinator;
  private final PrintStream out;

  public Quickstart(Layout layout, Home home, Coordinator coordinator, PrintStream out) {
    this.layout = layout;
    this.home = home;
    this.coordinator = coordinator;
    this.out = out;
  }

  /**
   * Starts what does not run, then measures. What runs stays as it is, also in failure.
   *
   * @throws IOException one line that names what is wrong and the remedy
   */
  public void run() throws IOException {
    Turn turn = Turn.take(layout);
    try {
      Cluster.of(layout, out).start(home, coordinator);
      new Measurement(layout.mount(), out).run();
    } finally {
      turn.close();
    }
    out.printf(
        "%nThe file system stays mounted at %s; logs are in %s.%nThis ends it:%n  %s stop%s%n",
        layout.mount(), layout.logs(), home.curvefs(), layout.dataOption());
  }
}

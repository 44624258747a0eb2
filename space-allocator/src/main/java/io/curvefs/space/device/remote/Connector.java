package io.curvefs.space.device.remote;

import java.io.IOException;

/** Makes connections to one device of one server. Concurrent: yes. */
public interface Connector {

  /** The device as messages call it. */
  String name();

  /**
   * Connects.
   *
   * @param deadlineNanos of {@link System#nanoTime}
   * @throws ExportRefusedException when trying again would not help
   */
  Wire connect(long deadlineNanos) throws IOException;

  /** What to look at when the server does not answer: a sentence. */
  String remedy();
}

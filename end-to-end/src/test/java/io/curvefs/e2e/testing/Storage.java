package io.curvefs.e2e.testing;

import java.util.Locale;

/** Where file systems of tests keep the bytes of their files. */
public enum Storage {
  BUCKET,
  VOLUME;

  /** {@code -Dcurvefs.test.storage=volume} runs the suites that are for both over volumes. */
  public static final Storage CHOSEN =
      valueOf(System.getProperty("curvefs.test.storage", "bucket").toUpperCase(Locale.ROOT));

  /** What a test class wants: volumes in any case, or what was chosen. */
  public static Storage of(Class<?> test) {
    return test.isAnnotationPresent(OnVolumes.class) ? VOLUME : CHOSEN;
  }
}

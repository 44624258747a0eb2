package io.curvefs.client.mount;

import java.time.Duration;
import java.util.Locale;

/** Sizes and durations as people write them in options. */
final class Sizes {
  private Sizes() {}

  /**
   * Bytes of {@code 512}, {@code 64K}, {@code 128M}, {@code 20G}, {@code 1T} (powers of 1024).
   *
   * @throws IllegalArgumentException naming the option
   */
  static long bytes(String option, String text) {
    int digits = 0;
    while (digits < text.length() && Character.isDigit(text.charAt(digits))) {
      digits++;
    }
    int shift =
        switch (text.substring(digits).toUpperCase(Locale.ROOT)) {
          case "" -> 0;
          case "K", "KB", "KIB" -> 10;
          case "M", "MB", "MIB" -> 20;
          case "G", "GB", "GIB" -> 30;
          case "T", "TB", "TIB" -> 40;
          default -> -1;
        };
    if (digits == 0 || digits > 15 || shift < 0) {
      throw new IllegalArgumentException(
          "option " + option + "=" + text + " is no size such as 128M or 20G");
    }
    return Long.parseLong(text.substring(0, digits)) << shift;
  }

  /**
   * Seconds, with a fraction if need be.
   *
   * @throws IllegalArgumentException naming the option
   */
  static Duration seconds(String option, String text) {
    try {
      double seconds = Double.parseDouble(text);
      if (seconds >= 0 && seconds <= 1e9) {
        return Duration.ofNanos((long) (seconds * 1e9));
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException(
        "option " + option + "=" + text + " is no number of seconds such as 1 or 0.5");
  }
}

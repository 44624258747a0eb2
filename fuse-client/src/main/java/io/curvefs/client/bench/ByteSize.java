package io.curvefs.client.bench;

import java.util.Locale;

/** Sizes as people write and read them, in powers of 1024. */
public final class ByteSize {
  private static final String UNITS = "KMGT";
  private static final int DIGITS_MAX = 15;
  private static final int STEP = 1024;

  private ByteSize() {}

  /**
   * Bytes of {@code 512}, {@code 64K}, {@code 128MiB}, {@code 20G} or {@code 1T}.
   *
   * @throws IllegalArgumentException naming the option
   */
  public static long parse(String option, String text) {
    int digits = 0;
    while (digits < text.length() && text.charAt(digits) >= '0' && text.charAt(digits) <= '9') {
      digits++;
    }
    String unit = text.substring(digits).toUpperCase(Locale.ROOT).replaceFirst("(?<=.)I?B$", "");
    int power = unit.isEmpty() ? 0 : UNITS.indexOf(unit) + 1;
    if (digits == 0
        || digits > DIGITS_MAX
        || unit.length() > 1
        || (power == 0 && !unit.isEmpty())) {
      throw noSize(option, text);
    }
    try {
      return Math.multiplyExact(Long.parseLong(text.substring(0, digits)), 1L << (10 * power));
    } catch (ArithmeticException e) {
      throw noSize(option, text);
    }
  }

  private static IllegalArgumentException noSize(String option, String text) {
    return new IllegalArgumentException(
        "option " + option + "=" + text + " is no size such as 128K or 256M");
  }

  /** For example {@code 312.4 MiB}. */
  public static String text(double bytes) {
    if (bytes < STEP) {
      return "%.0f B".formatted(bytes);
    }
    double value = bytes;
    int power = 0;
    while (value >= STEP && power < UNITS.length()) {
      value /= STEP;
      power++;
    }
    return "%.1f %siB".formatted(value, UNITS.charAt(power - 1));
  }
}

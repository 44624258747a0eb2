package io.curvefs.space.device.iscsi;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where a logical unit is: {@code iscsi://[user%password@]host[:port]/target/lun}.
 *
 * @param portal host and port
 * @param user for CHAP, empty for none
 * @param password for CHAP
 * @param target its name, such as {@code iqn.2024-01.org.example:volume}
 * @param unit number of the logical unit
 */
public record IscsiAddress(String portal, String user, String password, String target, int unit) {
  private static final Pattern FORM =
      Pattern.compile(
          "iscsi://(?:([^%@/]+)(?:%([^@/]*))?@)?((?:\\[[^]]+]|[^:/@]+)(?::\\d+)?)/([^/]+)/(\\d{1,5})");
  private static final String DEFAULT_PORT = ":3260";

  /**
   * Takes a URI apart.
   *
   * @throws IllegalArgumentException with the form it should have
   */
  public static IscsiAddress parse(String text) {
    Matcher parts = FORM.matcher(text);
    if (!parts.matches()) {
      throw new IllegalArgumentException(
          "'"
              + text.replaceFirst("//[^@/]*@", "//***@")
              + "' is not iscsi://[user%password@]host[:port]/target/lun");
    }
    String portal = parts.group(3);
    boolean withPort = portal.matches(".*[^:\\]]:\\d+|\\[.*]:\\d+");
    return new IscsiAddress(
        withPort ? portal : portal + DEFAULT_PORT,
        orEmpty(parts.group(1)),
        orEmpty(parts.group(2)),
        parts.group(4),
        Integer.parseInt(parts.group(5)));
  }

  private static String orEmpty(@Nullable String text) {
    return text == null ? "" : text;
  }

  /** The URI without user and password. */
  @Override
  public String toString() {
    return "iscsi://" + portal + "/" + target + "/" + unit;
  }
}

package io.curvefs.client.bench;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a mount asked of others.
 *
 * @param s3 requests by verb, {@code PUT} and so on
 * @param metadata requests by operation
 * @param bytesSent to the object store
 * @param bytesReceived from the object store
 */
public record Requests(
    Map<String, Double> s3, Map<String, Double> metadata, double bytesSent, double bytesReceived) {
  private static final Pattern S3 = Pattern.compile("curvefs\\.s3\\.requests\\{verb=(\\w+)}");
  private static final Pattern METADATA =
      Pattern.compile("curvefs\\.meta\\.requests\\{operation=(\\w+)}");

  public static final Requests NONE = new Requests(Map.of(), Map.of(), 0, 0);

  /**
   * @param statistics as a mount tells them
   */
  static Requests of(Map<String, Double> statistics) {
    return new Requests(
        matching(S3, statistics),
        matching(METADATA, statistics),
        statistics.getOrDefault("curvefs.s3.bytes.sent", 0.0),
        statistics.getOrDefault("curvefs.s3.bytes.received", 0.0));
  }

  private static Map<String, Double> matching(Pattern pattern, Map<String, Double> statistics) {
    Map<String, Double> found = new TreeMap<>();
    statistics.forEach(
        (name, value) -> {
          Matcher matcher = pattern.matcher(name);
          if (matcher.matches() && value != 0) {
            found.put(matcher.group(1), value);
          }
        });
    return found;
  }

  /** Both together. */
  Requests plus(Requests other) {
    return new Requests(
        combined(s3, other.s3, 1),
        combined(metadata, other.metadata, 1),
        bytesSent + other.bytesSent,
        bytesReceived + other.bytesReceived);
  }

  /** What came after an earlier moment. */
  Requests since(Requests before) {
    return new Requests(
        combined(s3, before.s3, -1),
        combined(metadata, before.metadata, -1),
        bytesSent - before.bytesSent,
        bytesReceived - before.bytesReceived);
  }

  /** A part of it, such as the mean of several rounds. */
  Requests dividedBy(int parts) {
    return new Requests(
        divided(s3, parts), divided(metadata, parts), bytesSent / parts, bytesReceived / parts);
  }

  private static Map<String, Double> combined(
      Map<String, Double> a, Map<String, Double> b, int sign) {
    Map<String, Double> all = new TreeMap<>(a);
    b.forEach((name, value) -> all.merge(name, sign * value, Double::sum));
    all.values().removeIf(value -> value == 0);
    return all;
  }

  private static Map<String, Double> divided(Map<String, Double> values, int parts) {
    Map<String, Double> all = new TreeMap<>();
    values.forEach((name, value) -> all.put(name, value / parts));
    return all;
  }

  public long s3(String verb) {
    return Math.round(s3.getOrDefault(verb, 0.0));
  }

  /** All requests for metadata. */
  public long metadataTotal() {
    return Math.round(metadata.values().stream().mapToDouble(Double::doubleValue).sum());
  }

  /** The most frequent operations first, such as {@code create 500, commit 500}. */
  public String metadataText() {
    return metadata.entrySet().stream()
        .filter(entry -> Math.round(entry.getValue()) > 0)
        .sorted(Map.Entry.<String, Double>comparingByValue().reversed())
        .map(entry -> entry.getKey().toLowerCase(Locale.ROOT) + " " + Math.round(entry.getValue()))
        .collect(Collectors.joining(", "));
  }
}

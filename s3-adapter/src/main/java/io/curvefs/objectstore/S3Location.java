package io.curvefs.objectstore;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where a bucket is and who may use it.
 *
 * @param bucket 3 to 63 letters, digits, dots, dashes or underscores
 * @param endpoint {@code http://} or {@code https://} URL of the S3 service; empty for AWS's own
 * @param region such as {@code us-east-1}, which most other stores accept too
 * @param credentials hidden by {@link #toString} as far as they are secret
 */
public record S3Location(String bucket, String endpoint, String region, S3Credentials credentials) {

  private static final Pattern BUCKET =
      Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]");
  private static final Pattern REGION = Pattern.compile("[A-Za-z0-9-]{2,32}");

  public S3Location {
    if (!BUCKET.matcher(bucket).matches()) {
      throw new IllegalArgumentException(
          "'"
              + bucket
              + "' is no bucket name (3 to 63 letters, digits, dots and dashes): check --bucket");
    }
    if (!REGION.matcher(region).matches()) {
      throw new IllegalArgumentException(
          "'" + region + "' is no region such as us-east-1: check --region");
    }
    if (!endpoint.isEmpty()) {
      requireServiceUrl(endpoint);
    }
  }

  /** The endpoint as messages name it. */
  public String display() {
    return endpoint.isEmpty() ? "AWS S3 in " + region : endpoint;
  }

  private static void requireServiceUrl(String endpoint) {
    URI uri;
    try {
      uri = new URI(endpoint);
    } catch (URISyntaxException e) {
      throw badEndpoint(endpoint, e);
    }
    if (uri.getRawUserInfo() != null) {
      throw new IllegalArgumentException(
          "the endpoint must not hold credentials: give them with --access-key and --secret-key");
    }
    boolean web = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
    if (!web
        || uri.getHost() == null
        || uri.getRawQuery() != null
        || uri.getRawFragment() != null) {
      throw badEndpoint(endpoint, null);
    }
  }

  private static IllegalArgumentException badEndpoint(String endpoint, @Nullable Throwable cause) {
    return new IllegalArgumentException(
        "'" + endpoint + "' is no endpoint such as http://host:9000: check --endpoint", cause);
  }
}

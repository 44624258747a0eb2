package io.curvefs.objectstore;

/** How to prove to an S3 endpoint who we are. */
public sealed interface S3Credentials {

  /**
   * Credentials from the environment, the AWS profile or the machine's role, in the order all AWS
   * tools use.
   */
  static S3Credentials defaultChain() {
    return new DefaultChain();
  }

  /** A pair of keys. */
  static StaticKeys of(String accessKey, String secretKey) {
    return new StaticKeys(accessKey, secretKey);
  }

  /** The default chain of the AWS tools. */
  record DefaultChain() implements S3Credentials {}

  /** A pair of keys. {@link #toString} hides the secret. */
  record StaticKeys(String accessKey, String secretKey) implements S3Credentials {
    public StaticKeys {
      if (accessKey.isBlank() || secretKey.isBlank()) {
        throw new IllegalArgumentException(
            "an S3 key is empty: give both --access-key and --secret-key, or neither");
      }
    }

    @Override
    public String toString() {
      return "StaticKeys[accessKey=" + accessKey + ", secretKey=***]";
    }
  }
}

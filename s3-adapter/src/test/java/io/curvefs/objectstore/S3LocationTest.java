package io.curvefs.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class S3LocationTest {

  private static S3Location at(String endpoint) {
    return new S3Location("bucket", endpoint, "us-east-1", S3Credentials.of("access", "hush"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "http://127.0.0.1:9000",
        "https://s3.example.com",
        "http://[::1]:9000",
        "https://host/s3"
      })
  void endpoints_are_urls_or_empty_for_aws(String endpoint) {
    assertThat(at(endpoint).endpoint()).isEqualTo(endpoint);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "host:9000",
        "ftp://host",
        "http://",
        "http://host?x=1",
        "http://host#a",
        "http://a b",
        "/x"
      })
  void other_endpoints_are_refused_with_the_flag_to_check(String endpoint) {
    assertThatThrownBy(() -> at(endpoint))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(endpoint)
        .hasMessageContaining("--endpoint");
  }

  @Test
  void credentials_in_an_endpoint_are_refused_and_not_repeated() {
    assertThatThrownBy(() -> at("http://access:hush@host"))
        .hasMessageContaining("--secret-key")
        .hasMessageNotContaining("hush");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "ab", "-bucket", "bucket-", "a/b", "a b", "bücket"})
  void bad_bucket_names_are_refused_with_the_flag_to_check(String bucket) {
    assertThatThrownBy(() -> new S3Location(bucket, "", "us-east-1", S3Credentials.defaultChain()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--bucket");
  }

  @Test
  void a_region_and_both_keys_are_needed() {
    assertThatThrownBy(() -> new S3Location("bucket", "", "", S3Credentials.defaultChain()))
        .hasMessageContaining("--region");
    assertThatThrownBy(() -> S3Credentials.of("access", "")).hasMessageContaining("--secret-key");
    assertThatThrownBy(() -> S3Credentials.of(" ", "hush")).hasMessageNotContaining("hush");
  }

  @Test
  void the_secret_never_shows() {
    assertThat(at("").toString()).contains("access").doesNotContain("hush");
    assertThat(at("").display()).isEqualTo("AWS S3 in us-east-1");
  }
}

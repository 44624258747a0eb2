package io.curvefs.objectstore.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.ObjectStoreException.Kind;
import io.curvefs.objectstore.S3Credentials;
import io.curvefs.objectstore.S3Location;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the answers mean that the embedded server never gives but other stores do. */
class S3AnswersTest {

  private final List<String> requests = new CopyOnWriteArrayList<>();
  private HttpServer server;
  private S3ObjectStore store;
  private int status;
  private String answer;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::handle);
    server.start();
    String endpoint = "http://127.0.0.1:" + server.getAddress().getPort();
    store =
        S3ObjectStore.open(
            new S3Location("bucket", endpoint, "us-east-1", S3Credentials.of("a", "b")),
            S3Limits.DEFAULTS.withTotalBound(Duration.ofSeconds(1)));
  }

  @AfterEach
  void stop() {
    store.close();
    server.stop(0);
  }

  private void handle(HttpExchange exchange) throws IOException {
    requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath());
    exchange.getRequestBody().readAllBytes();
    if (exchange.getRequestMethod().equals("DELETE")) {
      exchange.sendResponseHeaders(204, -1);
    } else {
      byte[] body = answer.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(status, body.length);
      exchange.getResponseBody().write(body);
    }
    exchange.close();
  }

  @ParameterizedTest
  @CsvSource({
    "301, PermanentRedirect, REJECTED, --region",
    "400, AuthorizationHeaderMalformed, REJECTED, --region",
    "400, ExpiredToken, ACCESS_DENIED, credential chain",
    "401, Unauthorized, ACCESS_DENIED, --access-key",
    "403, AccessDenied, ACCESS_DENIED, AccessDenied",
    "403, RequestTimeTooSkewed, ACCESS_DENIED, clock",
    "400, RequestTimeout, OVERLOADED, RequestTimeout",
    "429, TooManyRequests, OVERLOADED, overloaded",
    "529, Overloaded, OVERLOADED, overloaded",
    "400, InvalidBucketName, REJECTED, --bucket",
    "501, NotImplemented, REJECTED, NotImplemented"
  })
  void each_refusal_has_its_kind_and_names_the_remedy(
      int code, String error, Kind kind, String remedy) {
    status = code;
    answer = "<Error><Code>" + error + "</Code><Message>m</Message></Error>";
    ObjectStoreException failure =
        catchThrowableOfType(ObjectStoreException.class, () -> store.list("", null, 1));
    assertThat(failure.kind()).isEqualTo(kind);
    assertThat(failure).hasMessageContaining(remedy);
    assertThat(requests.size() > 1).as("repeated").isEqualTo(kind == Kind.OVERLOADED);
  }

  @Test
  void a_web_server_that_is_no_s3_service_is_not_taken_for_an_empty_bucket() {
    status = 404;
    answer = "<html>no such page</html>";
    ObjectStoreException failure =
        catchThrowableOfType(ObjectStoreException.class, () -> store.list("", null, 1));
    assertThat(failure.kind()).isEqualTo(Kind.REJECTED);
    assertThat(failure).hasMessageContaining("is --endpoint an S3 service");
  }

  @Test
  void keys_that_a_batch_could_not_delete_are_deleted_one_by_one() throws Exception {
    status = 200;
    answer =
        "<DeleteResult><Error><Key>b</Key><Code>InternalError</Code></Error>"
            + "<Error><Key>c</Key><Code>NoSuchKey</Code></Error></DeleteResult>";
    store.delete(List.of("a", "b", "c"));
    store.delete(List.of("d", "e"));
    assertThat(requests)
        .containsExactly("POST /bucket", "DELETE /bucket/b", "POST /bucket", "DELETE /bucket/b");
  }
}

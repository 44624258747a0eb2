package io.curvefs.objectstore.aws;

import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.ObjectStoreException.Kind;
import io.curvefs.objectstore.S3Location;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import org.apache.hc.client5.http.ConnectTimeoutException;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.ApiCallAttemptTimeoutException;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;

/** The one place that says what a failure of the SDK means to us and to the user. */
final class S3Failures {

  /** Temporary credentials that are over; AWS answers 400. */
  private static final Set<String> TOKEN_CODES =
      Set.of("ExpiredToken", "InvalidToken", "TokenRefreshRequired");

  private final S3Location location;
  private final S3Limits limits;

  S3Failures(S3Location location, S3Limits limits) {
    this.location = location;
    this.limits = limits;
  }

  /**
   * @param doing what was attempted, such as {@code reading 'key'}
   * @param failure what the SDK threw
   */
  ObjectStoreException explain(String doing, Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (cause instanceof ObjectStoreException already) {
      return already;
    }
    DamagedBodyException damage = find(cause, DamagedBodyException.class);
    if (damage != null) {
      return new ObjectStoreException(
          Kind.CORRUPT,
          "%s from bucket '%s' at %s failed, %s: the object or something on the way damages it"
              .formatted(doing, location.bucket(), location.display(), damage.getMessage()),
          cause);
    }
    AwsServiceException answer = find(cause, AwsServiceException.class);
    return answer != null ? refused(doing, answer) : unanswered(doing, cause);
  }

  /**
   * Whether the store does not offer DeleteObjects, or not the way the SDK asks; deleting one by
   * one tells.
   */
  static boolean refusesBatchDelete(AwsServiceException answer) {
    return switch (answer.statusCode()) {
      case 400, 405, 411, 501 -> true;
      default -> false;
    };
  }

  /**
   * Whether an attempt ended without a word from the store: at the end of the call's time, or of
   * the time to wait for a connection of the pool, which the Netty client sometimes does not give
   * out after others could not be opened.
   */
  static boolean outOfTime(ObjectStoreException failure) {
    return find(failure, ApiCallTimeoutException.class) != null
        || find(failure, TimeoutException.class) != null;
  }

  /** Whether a body came complete and wrong. */
  static boolean isCompleteDamage(ObjectStoreException failure) {
    DamagedBodyException damage = find(failure, DamagedBodyException.class);
    return damage != null && damage.complete();
  }

  private ObjectStoreException refused(String doing, AwsServiceException answer) {
    String code = code(answer);
    int status = answer.statusCode();
    if (code.equals("NoSuchBucket")) {
      return failure(
          Kind.NO_SUCH_BUCKET,
          "bucket '%s' does not exist at %s: create it, or name another with --bucket"
              .formatted(location.bucket(), location.display()),
          answer);
    }
    if (code.equals("RequestTimeTooSkewed")) {
      return failure(
          Kind.ACCESS_DENIED,
          "access to bucket '%s' denied (RequestTimeTooSkewed): set the clock of this machine"
              .formatted(location.bucket()),
          answer);
    }
    if (status == 401 || status == 403 || TOKEN_CODES.contains(code)) {
      return denied(code, answer);
    }
    if (isOverload(status, code) || answer.isThrottlingException()) {
      return failure(
          Kind.OVERLOADED,
          "%s failed: %s answers %s; it is overloaded or broken, try again later"
              .formatted(doing, location.display(), name(code, status)),
          answer);
    }
    if (code.equals("NoSuchKey")) {
      return failure(
          Kind.NOT_FOUND,
          "%s failed: no such object in bucket '%s'".formatted(doing, location.bucket()),
          answer);
    }
    if (status / 100 == 3 || code.equals("AuthorizationHeaderMalformed")) {
      return failure(
          Kind.REJECTED,
          "bucket '%s' is not in region %s (%s): check --region and --endpoint"
              .formatted(location.bucket(), location.region(), name(code, status)),
          answer);
    }
    return failure(
        Kind.REJECTED,
        "%s was refused by %s (%s): is --endpoint an S3 service and --bucket right?"
            .formatted(doing, location.display(), name(code, status)),
        answer);
  }

  private ObjectStoreException unanswered(String doing, Throwable cause) {
    if (find(cause, AbortedException.class) != null
        || find(cause, InterruptedException.class) != null) {
      return ObjectStoreException.interrupted(doing, cause);
    }
    SSLException tls = find(cause, SSLException.class);
    if (tls != null) {
      return failure(
          Kind.UNREACHABLE,
          "no secure connection to %s (%s): check that --endpoint is https and its certificate is trusted here"
              .formatted(location.display(), tls.getMessage()),
          cause);
    }
    if (find(cause, UnknownHostException.class) != null) {
      return unreachable("its host name is unknown", cause);
    }
    if (find(cause, ConnectException.class) != null
        || find(cause, ConnectTimeoutException.class) != null
        || find(cause, NoRouteToHostException.class) != null) {
      return unreachable("no connection", cause);
    }
    if (timedOut(cause)) {
      return failure(
          Kind.OVERLOADED,
          "%s failed: %s did not answer within %s; it or the network is overloaded, try again later"
              .formatted(doing, location.display(), seconds()),
          cause);
    }
    IOException broken = find(cause, IOException.class);
    if (broken != null) {
      return unreachable(
          "the connection keeps breaking, last with: " + firstSentence(broken.getMessage()), cause);
    }
    String message = String.valueOf(cause.getMessage());
    if (message.contains("Unable to load credentials")) {
      return denied("no credentials found", cause);
    }
    return failure(Kind.REJECTED, "%s failed: %s".formatted(doing, firstSentence(message)), cause);
  }

  private ObjectStoreException denied(String reason, Throwable cause) {
    return failure(
        Kind.ACCESS_DENIED,
        "access to bucket '%s' denied (%s): check --access-key/--secret-key or the AWS credential chain"
            .formatted(location.bucket(), reason.isEmpty() ? "HTTP 403" : reason),
        cause);
  }

  private ObjectStoreException unreachable(String why, Throwable cause) {
    return failure(
        Kind.UNREACHABLE,
        "no S3 endpoint answers at %s (%s): check --endpoint".formatted(location.display(), why),
        cause);
  }

  private static boolean timedOut(Throwable cause) {
    return find(cause, ApiCallTimeoutException.class) != null
        || find(cause, ApiCallAttemptTimeoutException.class) != null
        || find(cause, SocketTimeoutException.class) != null
        || find(cause, TimeoutException.class) != null
        || find(cause, io.netty.handler.timeout.TimeoutException.class) != null
        || notTaken(find(cause, IOException.class));
  }

  /** The SDK has no type for a server that does not take the body in time. */
  private static boolean notTaken(@Nullable IOException cause) {
    return cause != null
        && String.valueOf(cause.getMessage()).startsWith("No data was written to the request body");
  }

  /** SDK messages can be whole paragraphs. */
  private static String firstSentence(@Nullable String message) {
    String text = String.valueOf(message).strip();
    int end = text.indexOf(". ");
    return (end < 0 ? text : text.substring(0, end)).lines().findFirst().orElse("");
  }

  private String seconds() {
    return limits.totalBound().toMillis() / 1000.0 + " s";
  }

  private static String code(AwsServiceException answer) {
    String code = answer.awsErrorDetails() == null ? null : answer.awsErrorDetails().errorCode();
    return code == null ? "" : code;
  }

  private static String name(String code, int status) {
    return code.isEmpty() ? "HTTP " + status : code;
  }

  private static boolean isOverload(int status, String code) {
    return (status >= 500 && status != 501)
        || status == 429
        || status == 408
        || code.equals("RequestTimeout");
  }

  private static ObjectStoreException failure(Kind kind, String message, Throwable cause) {
    return new ObjectStoreException(kind, message, cause);
  }

  private static <T extends Throwable> @Nullable T find(Throwable failure, Class<T> type) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (type.isInstance(t)) {
        return type.cast(t);
      }
    }
    return null;
  }
}

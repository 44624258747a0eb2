package io.curvefs.objectstore.aws;

import io.curvefs.objectstore.ObjectStoreMetrics;
import io.curvefs.objectstore.ObjectStoreMetrics.Verb;
import software.amazon.awssdk.core.SdkRequest;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttribute;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;

/** Counts each HTTP attempt as it goes out, and times it until its body has been read. */
final class RequestCounter implements ExecutionInterceptor {
  /** What has gone out and has not ended. */
  private record Attempt(Verb verb, long begun) {}

  private static final ExecutionAttribute<Attempt> ATTEMPT =
      new ExecutionAttribute<>("curvefs.attempt");

  private final ObjectStoreMetrics metrics;

  RequestCounter(ObjectStoreMetrics metrics) {
    this.metrics = metrics;
  }

  @Override
  public void beforeTransmission(
      Context.BeforeTransmission context, ExecutionAttributes attributes) {
    Verb verb = verb(context.httpRequest().method(), context.request());
    metrics.request(verb);
    if (verb == Verb.PUT) {
      context
          .httpRequest()
          .firstMatchingHeader("Content-Length")
          .map(Long::parseLong)
          .ifPresent(metrics::sent);
    }
    attributes.putAttribute(ATTEMPT, new Attempt(verb, System.nanoTime()));
  }

  private static Verb verb(SdkHttpMethod method, SdkRequest request) {
    return switch (method) {
      case PUT -> Verb.PUT;
      case GET -> request instanceof ListObjectsV2Request ? Verb.LIST : Verb.GET;
      case HEAD -> Verb.HEAD;
      case DELETE, POST -> Verb.DELETE;
      case PATCH, OPTIONS -> throw new IllegalStateException("no S3 call uses " + method);
    };
  }

  @Override
  public void afterExecution(Context.AfterExecution context, ExecutionAttributes attributes) {
    ended(attributes);
  }

  @Override
  public void onExecutionFailure(Context.FailedExecution context, ExecutionAttributes attributes) {
    ended(attributes);
  }

  private void ended(ExecutionAttributes attributes) {
    Attempt attempt = attributes.getAttribute(ATTEMPT);
    if (attempt != null) { // it may have failed before anything was sent
      metrics.ended(attempt.verb, System.nanoTime() - attempt.begun);
    }
  }
}

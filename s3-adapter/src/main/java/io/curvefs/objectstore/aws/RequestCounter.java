package io.curvefs.objectstore.aws;

import io.curvefs.objectstore.ObjectStoreMetrics;
import io.curvefs.objectstore.ObjectStoreMetrics.Verb;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;

/** Counts each HTTP attempt as it goes out. */
final class RequestCounter implements ExecutionInterceptor {

  private final ObjectStoreMetrics metrics;

  RequestCounter(ObjectStoreMetrics metrics) {
    this.metrics = metrics;
  }

  @Override
  public void beforeTransmission(
      Context.BeforeTransmission context, ExecutionAttributes attributes) {
    switch (context.httpRequest().method()) {
      case PUT -> {
        metrics.request(Verb.PUT);
        context
            .httpRequest()
            .firstMatchingHeader("Content-Length")
            .map(Long::parseLong)
            .ifPresent(metrics::sent);
      }
      case GET ->
          metrics.request(context.request() instanceof ListObjectsV2Request ? Verb.LIST : Verb.GET);
      case HEAD -> metrics.request(Verb.HEAD);
      case DELETE, POST -> metrics.request(Verb.DELETE);
      case PATCH, OPTIONS ->
          throw new IllegalStateException("no S3 call uses " + context.httpRequest().method());
    }
  }
}

package io.curvefs.e2e.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** A test that says nothing about volumes. There it is skipped, with the reason. */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
@ExtendWith(OnBuckets.Condition.class)
public @interface OnBuckets {
  /** Why it says nothing about volumes. */
  String value();

  /** Skips it over volumes. */
  final class Condition implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      boolean onVolumes =
          context.getTestClass().map(Storage::of).orElse(Storage.CHOSEN) == Storage.VOLUME;
      return AnnotationSupport.findAnnotation(context.getElement(), OnBuckets.class)
          .filter(only -> onVolumes)
          .map(only -> ConditionEvaluationResult.disabled("for buckets only: " + only.value()))
          .orElseGet(() -> ConditionEvaluationResult.enabled(""));
    }
  }
}

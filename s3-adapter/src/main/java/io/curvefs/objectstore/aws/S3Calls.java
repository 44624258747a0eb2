package io.curvefs.objectstore.aws;

import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.ObjectStoreException.Kind;
import io.curvefs.objectstore.ObjectStoreMetrics;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import software.amazon.awssdk.awscore.AwsRequestOverrideConfiguration;
import software.amazon.awssdk.core.exception.SdkException;

/**
 * Runs SDK calls: repeats them, turns their failures into ours, and lets none begin after the end.
 * The SDK itself repeats nothing, so that the bound holds and the last real failure is known.
 */
final class S3Calls {

  private final S3Failures failures;
  private final Duration bound;
  private final ObjectStoreMetrics metrics;
  private final ScheduledExecutorService pauses;

  /**
   * Puts that have not completed. What the SDK forgets to end when it is closed, {@link #failRest}
   * ends.
   */
  private final Set<Put> underWay = ConcurrentHashMap.newKeySet();

  private volatile boolean closed;

  S3Calls(S3Failures failures, Duration bound, ObjectStoreMetrics metrics) {
    this.failures = failures;
    this.bound = bound;
    this.metrics = metrics;
    this.pauses =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "s3-put-repeats");
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Runs a blocking call.
   *
   * @param doing for messages, such as {@code reading 'key'}
   * @param call takes what its request must carry as override configuration; run once per attempt
   */
  <T> T run(String doing, Function<AwsRequestOverrideConfiguration, T> call)
      throws ObjectStoreException {
    Repetition repetition = newRepetition();
    while (true) {
      if (closed) {
        throw counted(closedWhile(doing));
      }
      try {
        return call.apply(override(repetition));
      } catch (SdkException | IllegalStateException | RejectedExecutionException e) {
        pause(doing, pauseAfter(doing, e, repetition));
      }
    }
  }

  /** Starts an asynchronous call; parameters as for {@link #run}. */
  CompletableFuture<Void> start(
      String doing, Function<AwsRequestOverrideConfiguration, CompletableFuture<?>> call) {
    Put put = new Put(doing, call);
    underWay.add(put);
    put.result.whenComplete((done, failure) -> underWay.remove(put));
    put.attempt();
    return put.result;
  }

  /** Lets no further attempt begin. */
  void close() {
    closed = true;
    pauses.shutdownNow();
  }

  /**
   * Fails the puts that are still under way; to be called once nothing can touch their buffers any
   * more.
   */
  void failRest() {
    for (Put put : underWay) {
      put.fail(counted(closedWhile(put.doing)));
    }
  }

  /** An asynchronous call with all its attempts. */
  private final class Put {
    private final String doing;
    private final Function<AwsRequestOverrideConfiguration, CompletableFuture<?>> call;
    private final Repetition repetition = newRepetition();
    private final CompletableFuture<Void> result = new CompletableFuture<>();

    Put(String doing, Function<AwsRequestOverrideConfiguration, CompletableFuture<?>> call) {
      this.doing = doing;
      this.call = call;
    }

    void attempt() {
      if (closed) {
        fail(counted(closedWhile(doing)));
        return;
      }
      begin()
          .whenComplete(
              (response, failure) -> {
                if (failure == null) {
                  result.complete(null);
                } else {
                  repeat(failure);
                }
              });
    }

    private CompletableFuture<?> begin() {
      try {
        return call.apply(override(repetition));
      } catch (RuntimeException e) {
        return CompletableFuture.failedFuture(e); // whoever waits for the put must hear of it
      }
    }

    private void repeat(Throwable failure) {
      try {
        pauses.schedule(
            this::attempt, pauseAfter(doing, failure, repetition), TimeUnit.NANOSECONDS);
      } catch (ObjectStoreException e) {
        fail(e);
      } catch (RejectedExecutionException e) {
        fail(counted(closedWhile(doing)));
      }
    }

    void fail(ObjectStoreException failure) {
      result.completeExceptionally(failure);
    }
  }

  /**
   * Either counts a repetition and returns its pause in nanoseconds, or counts an error and throws
   * it.
   */
  private long pauseAfter(String doing, Throwable failure, Repetition repetition)
      throws ObjectStoreException {
    try {
      long pauseNanos =
          repetition.pauseAfter(closed ? closedWhile(doing) : failures.explain(doing, failure));
      metrics.retry();
      return pauseNanos;
    } catch (ObjectStoreException e) {
      throw counted(e);
    }
  }

  private void pause(String doing, long nanos) throws ObjectStoreException {
    try {
      TimeUnit.NANOSECONDS.sleep(nanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw counted(ObjectStoreException.interrupted(doing, e));
    }
  }

  private Repetition newRepetition() {
    return new Repetition(bound, System::nanoTime, () -> ThreadLocalRandom.current().nextDouble());
  }

  private static AwsRequestOverrideConfiguration override(Repetition repetition) {
    return AwsRequestOverrideConfiguration.builder().apiCallTimeout(repetition.timeLeft()).build();
  }

  private static ObjectStoreException closedWhile(String doing) {
    return new ObjectStoreException(Kind.REJECTED, doing + " failed: the store is closed");
  }

  private ObjectStoreException counted(ObjectStoreException failure) {
    metrics.error();
    return failure;
  }
}

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
  private final S3Limits limits;
  private final ObjectStoreMetrics metrics;
  private final PutQueue queue;
  private final ScheduledExecutorService pauses;

  /**
   * Puts that have not completed. What the SDK forgets to end when it is closed, {@link #failRest}
   * ends.
   */
  private final Set<Put> underWay = ConcurrentHashMap.newKeySet();

  private volatile boolean closed;

  S3Calls(S3Failures failures, S3Limits limits, ObjectStoreMetrics metrics) {
    this.failures = failures;
    this.limits = limits;
    this.metrics = metrics;
    this.queue = new PutQueue(limits.concurrentPutsMax(), limits.totalBound(), System::nanoTime);
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
    Repetition repetition = newRepetition(limits.totalBound());
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

  /**
   * Starts an asynchronous call, or queues it; its time counts from when it is sent. Parameters as
   * for {@link #run}.
   *
   * @param bytes to send
   */
  CompletableFuture<Void> start(
      String doing,
      long bytes,
      Function<AwsRequestOverrideConfiguration, CompletableFuture<?>> call) {
    Put put = new Put(doing, bytes, call);
    underWay.add(put);
    put.result.whenComplete((done, failure) -> underWay.remove(put));
    queue.add(put);
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
  private final class Put implements PutQueue.Put {
    private final String doing;
    private final long bytes;
    private final Function<AwsRequestOverrideConfiguration, CompletableFuture<?>> call;
    private final Repetition repetition = newRepetition(limits.movingPutBound());
    private final CompletableFuture<Void> result = new CompletableFuture<>();

    Put(
        String doing,
        long bytes,
        Function<AwsRequestOverrideConfiguration, CompletableFuture<?>> call) {
      this.doing = doing;
      this.bytes = bytes;
      this.call = call;
    }

    @Override
    public long bytes() {
      return bytes;
    }

    @Override
    public void send() {
      repetition.begin();
      attempt();
    }

    @Override
    public void giveUp(ObjectStoreException failure) {
      fail(counted(failure));
    }

    private void attempt() {
      if (closed) {
        fail(counted(closedWhile(doing)));
        return;
      }
      long begun = System.nanoTime();
      begin()
          .whenComplete(
              (response, failure) -> {
                if (failure == null) {
                  succeed();
                } else {
                  if (movedBytesSince(begun)) {
                    repetition.moved();
                  }
                  repeat(failure);
                }
              });
    }

    /** One stall of silence may have ended the attempt; before it there was none. */
    private boolean movedBytesSince(long begunNanos) {
      return System.nanoTime() - begunNanos > 2 * limits.stallTimeout().toNanos();
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

    private void succeed() {
      result.complete(null);
      queue.done(this, null);
    }

    void fail(ObjectStoreException failure) {
      result.completeExceptionally(failure);
      queue.done(this, failure);
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

  /**
   * @param whole bound of the whole call
   */
  private Repetition newRepetition(Duration whole) {
    return new Repetition(
        limits.totalBound(),
        whole,
        System::nanoTime,
        () -> ThreadLocalRandom.current().nextDouble());
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

package io.curvefs.client.warmup;

import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What became of each file of a job: numbers in memory, names in files, as far as they are worth
 * telling. Thread-safe.
 */
final class Outcomes {
  private static final Logger log = LoggerFactory.getLogger(Outcomes.class);

  /** Names of failures and skips that are kept, in bytes; the numbers go on. */
  static final long FAILED_BYTES_MAX = 256L << 20;

  static final long SKIPPED_BYTES_MAX = 16L << 20;

  final AtomicLong filesTotal = new AtomicLong();
  final AtomicLong bytesTotal = new AtomicLong();
  final AtomicLong filesCached = new AtomicLong();
  final AtomicLong bytesDone = new AtomicLong();
  final AtomicLong bytesMoved = new AtomicLong();
  final AtomicLong filesFailed = new AtomicLong();
  final AtomicLong filesSkipped = new AtomicLong();
  private final AtomicLong unnamed = new AtomicLong();
  private final AtomicBoolean told = new AtomicBoolean();
  private final EntryFile failed;
  private final EntryFile skipped;
  private final Counters counters;

  /** Of all jobs of a mount. */
  static final class Counters {
    final Counter cached;
    final Counter failed;
    final Counter skipped;
    final Counter bytes;

    Counters(MeterRegistry registry) {
      cached = registry.counter("curvefs.warmup.files", "outcome", "cached");
      failed = registry.counter("curvefs.warmup.files", "outcome", "failed");
      skipped = registry.counter("curvefs.warmup.files", "outcome", "skipped");
      bytes = registry.counter("curvefs.warmup.bytes");
    }
  }

  Outcomes(EntryFile failed, EntryFile skipped, Counters counters) {
    this.failed = failed;
    this.skipped = skipped;
    this.counters = counters;
  }

  void cached() {
    filesCached.incrementAndGet();
  }

  /** Bytes of a block that is where it belongs. */
  void done(long bytes, long moved) {
    bytesDone.addAndGet(bytes);
    bytesMoved.addAndGet(moved);
    counters.bytes.increment((double) moved);
  }

  void failed(Entry entry) {
    filesFailed.incrementAndGet();
    append(failed, entry);
  }

  void skipped(ByteString path, String reason) {
    filesSkipped.incrementAndGet();
    append(skipped, Entry.of(Entry.Kind.SKIPPED, path, reason));
  }

  private void append(EntryFile file, Entry entry) {
    try {
      file.append(entry);
    } catch (IOException e) {
      if (!told.getAndSet(true)) { // the file counts what it lacks
        log.error("what became of {} cannot be noted", entry.path().toStringUtf8(), e);
      }
    }
  }

  /** There are so many failures of which no names are kept. */
  void unnamed(long files) {
    unnamed.addAndGet(files);
  }

  /** Files that were counted but could not be named. */
  long unnoted() {
    return unnamed.get() + failed.left() + skipped.left();
  }

  /** The job has ended: what it came to is final. */
  void count() {
    counters.cached.increment((double) filesCached.get());
    counters.failed.increment((double) filesFailed.get());
    counters.skipped.increment((double) filesSkipped.get());
  }
}

package io.curvefs.client.cli;

import io.curvefs.client.bench.LiveBar;
import io.curvefs.client.defrag.DefragListener;
import io.curvefs.client.defrag.FileEnd;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Shows how far a defragmentation is: a bar on a terminal, else a line every few seconds. */
final class DefragProgress implements DefragListener, AutoCloseable {
  private static final long SHOW_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
  private static final long LINE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final DefragReport report;
  private final boolean quiet;
  private final @Nullable LiveBar bar;
  private long shownAt = System.nanoTime();

  /**
   * @param quiet say nothing
   */
  DefragProgress(DefragReport report, boolean quiet) {
    this.report = report;
    this.quiet = quiet;
    if (!quiet) {
      System.err.println(DefragReport.text(report.before()));
    }
    this.bar =
        quiet
            ? null
            : LiveBar.onStandardError("defrag", Math.max(1, report.before().bytesToMove()));
  }

  @Override
  public void ended(FileEnd end) {
    report.ended(end);
    show();
  }

  @Override
  public void copied(long bytes) {
    report.copied(bytes);
    show();
  }

  private void show() {
    long now = System.nanoTime();
    if (quiet || now - shownAt < (bar == null ? LINE_NANOS : SHOW_NANOS)) {
      return;
    }
    shownAt = now;
    if (bar == null) {
      System.err.println(report.progress());
    } else {
      bar.show(report.bytesCopied(), report.filesEnded() + " files, " + report.rate());
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}

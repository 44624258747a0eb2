package io.curvefs.client.bench;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A bar on a terminal that shows how far something else has come. For one thread. */
public final class LiveBar implements AutoCloseable {
  private static final int COLUMNS = 110;

  private final ProgressBar bar;

  private LiveBar(ProgressBar bar) {
    this.bar = bar;
  }

  /**
   * A bar, or null when standard error is no terminal.
   *
   * @param task what is being done, in a word
   * @param steps how many there are, 1 or more
   */
  public static @Nullable LiveBar onStandardError(String task, long steps) {
    if (LibC.INSTANCE.isatty(LibC.STDERR) == 0) {
      return null;
    }
    return new LiveBar(
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(steps)
            .setStyle(ProgressBarStyle.ASCII)
            .hideEta() // said by who knows more
            .setConsumer(new ConsoleProgressBarConsumer(System.err, COLUMNS))
            .clearDisplayOnFinish()
            .build());
  }

  /**
   * @param done steps, of those there are
   * @param more to be shown beside it
   */
  public void show(long done, String more) {
    bar.stepTo(Math.min(done, bar.getMax()));
    bar.setExtraMessage(" " + more);
  }

  @Override
  public void close() {
    bar.close();
  }
}

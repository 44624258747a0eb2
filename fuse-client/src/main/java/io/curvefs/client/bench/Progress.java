package io.curvefs.client.bench;

import java.io.PrintStream;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * Tells on standard error how far a command is: a bar on a terminal, else a line for each finished
 * step. Thread-safe.
 */
public final class Progress implements AutoCloseable {
  private static final int COLUMNS = 100;

  private final PrintStream lines;
  private final @Nullable ProgressBar bar;

  private Progress(PrintStream lines, @Nullable ProgressBar bar) {
    this.lines = lines;
    this.bar = bar;
  }

  /**
   * @param task what is being done, in a word
   * @param steps how many there will be
   */
  public static Progress onStandardError(String task, long steps) {
    if (LibC.INSTANCE.isatty(LibC.STDERR) == 0) {
      return new Progress(System.err, null);
    }
    return new Progress(
        System.err,
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(steps)
            .setStyle(ProgressBarStyle.ASCII)
            .setConsumer(new ConsoleProgressBarConsumer(System.err, COLUMNS))
            .clearDisplayOnFinish()
            .build());
  }

  /** A step that deserves its name has begun. */
  public void begin(String step) {
    if (bar != null) {
      bar.setExtraMessage(step);
    }
  }

  /** One more step is done. */
  public void advance() {
    if (bar != null) {
      bar.step();
    }
  }

  /** A step has ended, with a result worth a line where there is no bar. */
  public void end(String result) {
    advance();
    if (bar == null) {
      lines.println(result);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}

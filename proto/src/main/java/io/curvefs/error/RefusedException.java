package io.curvefs.error;

import java.io.IOException;
import java.io.Serial;

/** A refusal on its way to whoever asked. Carries no stack trace: it is an answer, not a defect. */
public final class RefusedException extends IOException {
  @Serial private static final long serialVersionUID = 1;

  private final Refusal refusal;

  public RefusedException(Refusal refusal) {
    this(refusal, refusal.text());
  }

  /**
   * @param detail one line for a person: what was refused and, where there is one, the remedy
   */
  public RefusedException(Refusal refusal, String detail) {
    super(detail);
    this.refusal = refusal;
  }

  public Refusal refusal() {
    return refusal;
  }

  @Override
  @SuppressWarnings("UnsynchronizedOverridesSynchronized") // does nothing at all
  public Throwable fillInStackTrace() {
    return this;
  }
}

package io.curvefs.objectstore;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A call on an {@link ObjectStore} that did not succeed. The message names the thing and the
 * remedy, never a secret.
 */
public final class ObjectStoreException extends IOException {

  /** Why it did not succeed. */
  public enum Kind {
    /** No object has this key. */
    NOT_FOUND,
    /** The bucket does not exist. */
    NO_SUCH_BUCKET,
    /** Credentials are missing or wrong, or do not allow this. */
    ACCESS_DENIED,
    /** No connection could be made or kept, after all repetitions. */
    UNREACHABLE,
    /**
     * The store answers with errors of its own, asks for less, or answers too late, after all
     * repetitions.
     */
    OVERLOADED,
    /** The bytes are not those that were written, after all repetitions. */
    CORRUPT,
    /** Anything else the store refuses; repeating it is of no use. */
    REJECTED
  }

  private final Kind kind;

  public ObjectStoreException(Kind kind, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  public ObjectStoreException(Kind kind, String message) {
    this(kind, message, null);
  }

  /**
   * The caller's thread was interrupted; its interrupt flag must be set again by whoever caught it.
   */
  public static ObjectStoreException interrupted(String doing, Throwable cause) {
    return new ObjectStoreException(Kind.REJECTED, "interrupted while " + doing, cause);
  }

  public Kind kind() {
    return kind;
  }

  /**
   * The same refusal with the stack of the calling thread, for a failure that happened on another
   * one.
   */
  ObjectStoreException seenByCaller() {
    return new ObjectStoreException(kind, String.valueOf(getMessage()), this);
  }
}

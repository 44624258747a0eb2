package io.curvefs.client.data;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.client.meta.MetaClient;
import io.curvefs.error.RefusedException;
import io.curvefs.id.SessionId;
import io.curvefs.id.SliceId;
import org.jspecify.annotations.Nullable;

/** New slice ids: the session's id and a counter, so that nobody has to be asked. Thread-safe. */
final class SliceIds {
  private final MetaClient meta;

  @GuardedBy("this")
  private @Nullable SessionId session;

  @GuardedBy("this")
  private long counter;

  SliceIds(MetaClient meta) {
    this.meta = meta;
  }

  SliceId next() throws RefusedException {
    SessionId current = meta.session();
    synchronized (this) {
      if (!current.equals(session)) {
        session = current;
        counter = 0;
      }
      return SliceId.of(current, ++counter);
    }
  }
}

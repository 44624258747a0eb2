package io.curvefs.metaserver.group;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import io.curvefs.id.SessionId;
import io.curvefs.proto.Discard;
import io.curvefs.space.BlockRange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Rows of blocks that have rested, on their way to being free: a mount discards them on their
 * volumes first. Each row is handed to one session, once. Of one term, so that nothing has to be
 * remembered when the leader goes. Thread-safe.
 *
 * <p>No block is discarded after it was given to somebody else. A client begins to discard within a
 * quarter of the quarantine since it asked, by its monotonic clock, and a device takes no longer
 * than another quarter; what it has given up may arrive within a third. Here a row that was handed
 * out, after the client had asked, and is not done stays for the whole quarantine, so that a client
 * which was stopped, or whose answer was late, finds its time to be over before the row is
 * released. A leader of a later term knows nothing of what was handed out; but it begins to measure
 * the rest anew, which is longer than a quarantine, and what a leader hands out after its time is
 * held back by the barrier before.
 */
public final class DiscardOffers {
  /** Clients ask every ten seconds at least: who is silent for longer is none. */
  private static final Duration ASKER_MAX = Duration.ofSeconds(15);

  private static final int OFFERS_MAX = 10_000;

  private final LongSupplier nanoTime;

  /** By the key of the row; oldest first. */
  @GuardedBy("this")
  private final Map<ByteString, Offer> offers = new LinkedHashMap<>();

  /** When somebody last asked, by file system. */
  @GuardedBy("this")
  private final Map<Integer, Long> asked = new HashMap<>();

  private static final class Offer {
    final int fileSystem;
    final BlockRange range;
    long since;
    @Nullable SessionId handedTo;
    boolean done;

    Offer(int fileSystem, BlockRange range, long since) {
      this.fileSystem = fileSystem;
      this.range = range;
      this.since = since;
    }
  }

  /**
   * @param nanoTime the monotonic clock
   */
  public DiscardOffers(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /**
   * Whether a row may be released, at once: nobody is handed it any more. If not, it is offered.
   *
   * @param key of a row whose blocks have rested
   */
  public synchronized boolean mayRelease(
      int fileSystem, ByteString key, BlockRange range, Duration quarantine) {
    long now = nanoTime.getAsLong();
    Offer offer = offers.get(key);
    if (offer == null) {
      Long last = asked.get(fileSystem);
      boolean wanted =
          last != null && now - last <= ASKER_MAX.toNanos() && offers.size() < OFFERS_MAX;
      if (wanted) {
        offers.put(key, new Offer(fileSystem, range, now));
      }
      return !wanted;
    }
    Duration patience = offer.handedTo == null ? ASKER_MAX : quarantine;
    boolean may = offer.done || now - offer.since > patience.toNanos();
    if (may) {
      offers.remove(key);
    }
    return may;
  }

  /** Rows for a session that is going to discard their blocks, and says {@link #done} then. */
  public synchronized List<Discard> hand(int fileSystem, SessionId session, int rangesMax) {
    long now = nanoTime.getAsLong();
    asked.put(fileSystem, now);
    List<Discard> handed = new ArrayList<>();
    for (Map.Entry<ByteString, Offer> entry : offers.entrySet()) {
      Offer offer = entry.getValue();
      if (handed.size() >= rangesMax) {
        break;
      }
      if (offer.fileSystem == fileSystem && offer.handedTo == null) {
        offer.handedTo = session;
        offer.since = now;
        handed.add(
            Discard.newBuilder()
                .setKey(entry.getKey())
                .setRange(
                    io.curvefs.proto.BlockRange.newBuilder()
                        .setAddress(offer.range.address())
                        .setCount(offer.range.count()))
                .build());
      }
    }
    return handed;
  }

  /** A session is done with rows that it was handed: nothing of it is under way any more. */
  public synchronized void done(SessionId session, List<ByteString> keys) {
    for (ByteString key : keys) {
      Offer offer = offers.get(key);
      if (offer != null && session.equals(offer.handedTo)) {
        offer.done = true;
      }
    }
  }
}

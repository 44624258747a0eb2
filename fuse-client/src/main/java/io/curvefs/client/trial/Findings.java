package io.curvefs.client.trial;

import io.curvefs.fault.FaultPoint;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What is wrong, and what was done, counted by all threads. Thread-safe. */
final class Findings {
  final AtomicLong wrongBytes = new AtomicLong();
  final AtomicLong leakedBlocks = new AtomicLong();
  final AtomicLong doubleBlocks = new AtomicLong();
  final AtomicLong unsoundChecks = new AtomicLong();
  final AtomicLong checks = new AtomicLong();
  final AtomicLong serverKills = new AtomicLong();
  final AtomicLong clientKills = new AtomicLong();
  final AtomicLong changes = new AtomicLong();
  final AtomicLong verified = new AtomicLong();
  final AtomicLong failedCalls = new AtomicLong();
  final AtomicLong punches = new AtomicLong();
  final AtomicLong defrags = new AtomicLong();
  final AtomicLong defragKills = new AtomicLong();
  final AtomicLong filesMoved = new AtomicLong();
  final AtomicLong fillRounds = new AtomicLong();
  final AtomicLong freeBlocksWhenFull = new AtomicLong();
  final AtomicLong backingBytesFreed = new AtomicLong();
  final AtomicLong filesBytesFreed = new AtomicLong();

  private final Map<FaultPoint, AtomicLong> deathsAt = new EnumMap<>(FaultPoint.class);
  private final Consumer<String> log;

  Findings(Consumer<String> log) {
    this.log = log;
    for (FaultPoint point : FaultPoint.values()) {
      deathsAt.put(point, new AtomicLong());
    }
  }

  void say(String what) {
    log.accept(what);
  }

  void wrongBytes(long count, String where) {
    if (count > 0) {
      wrongBytes.addAndGet(count);
      say("WRONG BYTES: " + count + " in " + where);
    }
  }

  /** The most of any look: what is lost once is lost at the next look too. */
  void leaked(long blocks, String when) {
    if (blocks > 0) {
      leakedBlocks.accumulateAndGet(blocks, Math::max);
      say("LEAKED BLOCKS: " + blocks + " " + when);
    }
  }

  void doublyOwned(long blocks, String when) {
    if (blocks > 0) {
      doubleBlocks.accumulateAndGet(blocks, Math::max);
      say("BLOCKS OF TWO OWNERS, OR USED AND FREE: " + blocks + " " + when);
    }
  }

  /**
   * A process has died.
   *
   * @param at where it was told to; null: it was killed
   */
  void died(FaultPoint.Role role, @Nullable FaultPoint at) {
    (role == FaultPoint.Role.METASERVER ? serverKills : clientKills).incrementAndGet();
    AtomicLong deaths = at == null ? null : deathsAt.get(at);
    if (deaths != null) {
      deaths.incrementAndGet();
    }
  }

  /** How often a process has died at each point. */
  Map<FaultPoint, Long> deathsAt() {
    Map<FaultPoint, Long> deaths = new EnumMap<>(FaultPoint.class);
    deathsAt.forEach((point, count) -> deaths.put(point, count.get()));
    return deaths;
  }

  long kills() {
    return serverKills.get() + clientKills.get();
  }

  boolean anythingWrong() {
    return wrongBytes.get() + leakedBlocks.get() + doubleBlocks.get() > 0;
  }
}

package io.curvefs.client.trial;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

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
  final AtomicLong fillRounds = new AtomicLong();
  final AtomicLong freeBlocksWhenFull = new AtomicLong();
  final AtomicLong backingBytesFreed = new AtomicLong();
  final AtomicLong filesBytesFreed = new AtomicLong();

  private final Consumer<String> log;

  Findings(Consumer<String> log) {
    this.log = log;
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

  long kills() {
    return serverKills.get() + clientKills.get();
  }

  boolean anythingWrong() {
    return wrongBytes.get() + leakedBlocks.get() + doubleBlocks.get() > 0;
  }
}

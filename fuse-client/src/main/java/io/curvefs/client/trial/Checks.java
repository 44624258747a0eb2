package io.curvefs.client.trial;

import io.curvefs.client.quickstart.Children;
import io.curvefs.rpc.Deadline;
import java.io.IOException;
import java.time.Duration;
import tools.jackson.databind.JsonNode;

/** Looks at whose the blocks are. */
final class Checks {
  /**
   * Until a dead mount's session has ended, its blocks have rested, and files that it held open.
   */
  private static final Duration SETTLED_MAX = Duration.ofMinutes(3);

  private static final long POLL_MILLIS = 500;

  /** By default the kernel may use attributes that it was told for a second. */
  private static final long KERNEL_MILLIS = 1_100;

  private final Installation installation;
  private final Findings findings;

  Checks(Installation installation, Findings findings) {
    this.installation = installation;
    this.findings = findings;
  }

  /** What fsck says; may be asked while everything is in use. */
  void fsck(String when) throws IOException {
    JsonNode check = installation.check();
    findings.checks.incrementAndGet();
    long leaked = 0;
    long doubly = 0;
    for (JsonNode group : check.at("/raft_groups")) {
      leaked += group.get("leaked_blocks").asLong();
      doubly += group.get("doubly_owned_blocks").asLong() + group.get("unmarked_blocks").asLong();
    }
    findings.leaked(leaked, when);
    findings.doublyOwned(doubly, when);
    if (!check.get("sound").asBoolean()) {
      findings.unsoundChecks.incrementAndGet();
      check
          .at("/raft_groups")
          .forEach(group -> findings.say("fsck " + when + ": " + group.get("problems")));
    }
  }

  /** Waits until nothing is reserved and nothing rests. */
  Space settled(String when) throws IOException {
    Deadline deadline = Deadline.in(SETTLED_MAX);
    while (true) {
      Space space = installation.space();
      if (space.isSettled()) {
        return space;
      }
      if (deadline.hasPassed()) {
        findings.leaked(
            space.reserved() + space.quarantined() + Math.abs(space.betweenGroups()),
            when + " do not come back: " + space);
        return space;
      }
      Children.pause(POLL_MILLIS);
    }
  }

  /** When all is quiet, the blocks that are used are those of the files. */
  Space sum(TrialMount mount, String when) throws IOException {
    settled(when);
    Deadline deadline = Deadline.in(SETTLED_MAX);
    while (true) {
      Children.pause(KERNEL_MILLIS);
      long files = installation.fileBlocks(mount.root());
      Space space = installation.space();
      if (files == space.used() && space.isSettled()) {
        return space;
      }
      if (deadline.hasPassed()) {
        findings.leaked(space.used() - files, when + ": more than the files have");
        findings.doublyOwned(files - space.used(), when + ": fewer than the files have");
        return space;
      }
    }
  }
}

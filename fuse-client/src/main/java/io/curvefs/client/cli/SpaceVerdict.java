package io.curvefs.client.cli;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.proto.SpaceCheck;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the check of one raft group's space has found.
 *
 * @param held blocks of the block groups that it says it holds
 * @param given blocks of those that the coordinator has given to it
 */
record SpaceVerdict(int group, SpaceCheck check, long held, long given) {
  /** What is wrong, in words; empty: nothing. */
  List<String> problems() {
    List<String> problems = new ArrayList<>();
    if (check.getDoublyOwned() > 0) {
      problems.add(
          text(check.getDoublyOwned())
              + " belongs to two owners: one may overwrite the other's bytes; copy what is needed of"
              + " these files elsewhere, and compare it");
    }
    if (check.getUnmarked() > 0) {
      problems.add(
          text(check.getUnmarked())
              + " of files is marked as free, or not held: it could be given to others; write nothing"
              + " until this is understood");
    }
    if (check.getLeaked() > 0) {
      problems.add(
          text(check.getLeaked()) + " is marked as used, and nothing owns it: it is lost space");
    }
    long owned = check.getUsed() + check.getReserved() + check.getQuarantined();
    if (problems.isEmpty() && check.getSet() != owned) {
      problems.add(
          "the counters do not add up: "
              + check.getSet()
              + " blocks are marked as used, and "
              + owned
              + " are used, reserved or in quarantine");
    }
    if (isHeldOtherwise()) {
      problems.add(
          "it holds block groups of "
              + text(held)
              + ", and the coordinator's table gives it "
              + text(given)
              + (held < given
                  ? ": some have not reached it; they do once it needs space or has a new leader"
                  : ": others may be given what it holds"));
    }
    problems.addAll(check.getProblemsList());
    return problems.stream().map(problem -> "raft group " + group + ": " + problem).toList();
  }

  boolean isHeldOtherwise() {
    return held != given;
  }

  private static String text(long blocks) {
    return ByteSize.text(SpaceSums.bytes(blocks));
  }

  /** For scripts. */
  Map<String, Object> described() {
    Map<String, Object> described = new LinkedHashMap<>();
    described.put("raft_group", group);
    described.put("files", check.getFiles());
    described.put("extents", check.getExtents());
    described.put("marked_blocks", check.getSet());
    described.put("used_blocks", check.getUsed());
    described.put("reserved_blocks", check.getReserved());
    described.put("quarantined_blocks", check.getQuarantined());
    described.put("leaked_blocks", check.getLeaked());
    described.put("doubly_owned_blocks", check.getDoublyOwned());
    described.put("unmarked_blocks", check.getUnmarked());
    described.put("held_blocks", held);
    described.put("given_blocks", given);
    described.put("problems", problems());
    return described;
  }

  /** All groups in one line. */
  static String sum(List<SpaceVerdict> verdicts) {
    List<SpaceCheck> checks = verdicts.stream().map(SpaceVerdict::check).toList();
    return "%d files in %d extents: %s used, %s reserved, %s in quarantine; %s held by %d raft group%s"
        .formatted(
            checks.stream().mapToLong(SpaceCheck::getFiles).sum(),
            checks.stream().mapToLong(SpaceCheck::getExtents).sum(),
            text(checks.stream().mapToLong(SpaceCheck::getUsed).sum()),
            text(checks.stream().mapToLong(SpaceCheck::getReserved).sum()),
            text(checks.stream().mapToLong(SpaceCheck::getQuarantined).sum()),
            text(verdicts.stream().mapToLong(SpaceVerdict::held).sum()),
            verdicts.size(),
            verdicts.size() == 1 ? "" : "s");
  }
}

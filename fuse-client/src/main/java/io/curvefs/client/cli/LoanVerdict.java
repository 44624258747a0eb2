package io.curvefs.client.cli;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.proto.LoanCheck;
import io.curvefs.proto.SpaceCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Whether raft groups agree on what they have lent each other.
 *
 * @param lent blocks
 * @param onTheWay blocks that are lent, and not in the borrower's hands
 * @param problems what is wrong, in words
 */
record LoanVerdict(long lent, long onTheWay, List<String> problems) {
  /**
   * @param checks what each raft group has found
   */
  static LoanVerdict of(Map<Integer, SpaceCheck> checks) {
    long lent = 0;
    long onTheWay = 0;
    List<String> problems = new ArrayList<>();
    for (int lender : checks.keySet()) {
      for (int borrower : checks.keySet()) {
        LoanCheck given = between(checks, lender, borrower);
        LoanCheck taken = between(checks, borrower, lender);
        lent += given.getLent();
        onTheWay += Math.max(0, given.getLent() - taken.getBorrowed());
        if (taken.getBorrowed() > given.getLent()
            || (taken.getBorrowed() == given.getLent()
                && taken.getBorrowedSum() != given.getLentSum())) {
          problems.add(
              ("raft group %d uses %s of raft group %d, which has lent it %s, or not the same: both may"
                      + " give them to files; write nothing until this is understood")
                  .formatted(borrower, text(taken.getBorrowed()), lender, text(given.getLent())));
        }
      }
    }
    return new LoanVerdict(lent, onTheWay, problems);
  }

  private static LoanCheck between(Map<Integer, SpaceCheck> checks, int group, int other) {
    SpaceCheck check = checks.getOrDefault(group, SpaceCheck.getDefaultInstance());
    return check.getLoansList().stream()
        .filter(loan -> loan.getGroup() == other)
        .findFirst()
        .orElse(LoanCheck.getDefaultInstance());
  }

  /** Whether all agree. */
  boolean isSettled() {
    return onTheWay == 0 && problems.isEmpty();
  }

  /** What is no problem. */
  Optional<String> news() {
    return lent == 0
        ? Optional.empty()
        : Optional.of(
            text(lent)
                + " lent between raft groups"
                + (onTheWay == 0
                    ? ""
                    : ", of which "
                        + text(onTheWay)
                        + " is on its way: it comes back to its lender within a minute"));
  }

  private static String text(long blocks) {
    return ByteSize.text(SpaceSums.bytes(blocks));
  }
}

package io.curvefs.fault;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Steps on the way of blocks of volumes at which a process can be made to die as SIGKILL ends it,
 * so that what it leaves behind can be tried: {@code CURVEFS_DIE_AT=BLOCKS_RESERVED:3} in its
 * environment has it die when it gets there for the third time. Without that variable {@link
 * #reached} costs a comparison. Thread-safe.
 */
public enum FaultPoint {
  /** Blocks are chosen for a client; no entry says so yet. */
  RESERVE_PLANNED(Role.METASERVER),
  /** The entry is applied, the client not answered. */
  RESERVE_APPLIED(Role.METASERVER),
  /** A file is to get blocks; no entry says so yet. */
  COMMIT_PLANNED(Role.METASERVER),
  COMMIT_APPLIED(Role.METASERVER),
  /** A client gives reserved blocks back. */
  RETURN_PLANNED(Role.METASERVER),
  RETURN_APPLIED(Role.METASERVER),
  /** Blocks are to leave a file by a truncation, a hole or an unlink. */
  FREE_PLANNED(Role.METASERVER),
  FREE_APPLIED(Role.METASERVER),
  /** A step of a deleted file's blocks goes into quarantine. */
  RECLAIM_PLANNED(Role.METASERVER),
  RECLAIM_APPLIED(Role.METASERVER),
  /** Blocks have rested and are to be free. */
  RELEASE_PLANNED(Role.METASERVER),
  RELEASE_APPLIED(Role.METASERVER),
  /** What a dead session has reserved goes into quarantine. */
  EXPIRE_PLANNED(Role.METASERVER),
  EXPIRE_APPLIED(Role.METASERVER),
  /** The coordinator has given a block group; the raft group does not hold it yet. */
  HOLD_PLANNED(Role.METASERVER),
  HOLD_APPLIED(Role.METASERVER),
  /** An empty block group is to go back to the coordinator. */
  DROP_PLANNED(Role.METASERVER),
  /** The raft group has dropped it, the coordinator does not know. */
  DROP_APPLIED(Role.METASERVER),
  /** A raft group is to lend free blocks to another. */
  LEND_PLANNED(Role.METASERVER),
  /** They are lent; the borrower has not heard. */
  LEND_APPLIED(Role.METASERVER),
  /** They have been lent, and are to be the borrower's own. */
  BORROW_PLANNED(Role.METASERVER),
  BORROW_APPLIED(Role.METASERVER),
  /** The borrower gives some back. */
  HAND_BACK_PLANNED(Role.METASERVER),
  /** They are not its own any more, and the lender does not know. */
  HAND_BACK_APPLIED(Role.METASERVER),
  END_LOAN_PLANNED(Role.METASERVER),
  END_LOAN_APPLIED(Role.METASERVER),

  /** A mount has been granted blocks and written to none of them. */
  BLOCKS_RESERVED(Role.CLIENT),
  /** Bytes are at a device, and not flushed. */
  BLOCKS_WRITTEN(Role.CLIENT),
  /** Devices are flushed, nothing is committed. */
  DEVICES_FLUSHED(Role.CLIENT),
  /** The metaserver has committed; who waits for it does not know. */
  BLOCKS_COMMITTED(Role.CLIENT),
  /** Spare blocks were given back. */
  BLOCKS_RETURNED(Role.CLIENT),
  /** A hole was made. */
  HOLE_PUNCHED(Role.CLIENT),
  /** Freed blocks are handed out to be discarded. */
  DISCARDS_HANDED(Role.CLIENT),
  /** Some are discarded, and the metaserver does not know. */
  BLOCKS_DISCARDED(Role.CLIENT);

  /** Of the environment: NAME, or NAME:COUNT to die when the point is reached so often. */
  public static final String VARIABLE = "CURVEFS_DIE_AT";

  /** What a shell says of a process that SIGKILL has ended. */
  public static final int EXIT_STATUS = 137;

  /** Of the process that passes a point. */
  public enum Role {
    METASERVER,
    CLIENT
  }

  private final Role role;

  FaultPoint(Role role) {
    this.role = role;
  }

  public Role role() {
    return role;
  }

  /** The process is here, and ends if that is what it was told. */
  public void reached() {
    if (this == Armed.POINT && Armed.LEFT.decrementAndGet() == 0) {
      Runtime.getRuntime().halt(EXIT_STATUS);
    }
  }

  /**
   * Where this process is to die, for its log.
   *
   * @throws IllegalArgumentException when the variable means nothing
   */
  public static Optional<String> armed() {
    return Optional.ofNullable(parse(System.getenv(VARIABLE)))
        .map(setting -> setting.point + ", time " + setting.count);
  }

  /** The setting of this process. */
  private static final class Armed {
    static final @Nullable FaultPoint POINT;
    static final AtomicInteger LEFT;

    static {
      Setting setting = parse(System.getenv(VARIABLE));
      POINT = setting == null ? null : setting.point;
      LEFT = new AtomicInteger(setting == null ? 0 : setting.count);
    }
  }

  /**
   * Where to die, and when one is there for which time.
   *
   * @param count 1 or more
   */
  record Setting(FaultPoint point, int count) {}

  static @Nullable Setting parse(@Nullable String value) {
    if (value == null || value.isEmpty()) {
      return null;
    }
    String[] parts = value.split(":", 2);
    try {
      int count = parts.length == 1 ? 1 : Integer.parseInt(parts[1]);
      if (count > 0) {
        return new Setting(valueOf(parts[0].toUpperCase(Locale.ROOT)), count);
      }
    } catch (IllegalArgumentException e) {
      // told below
    }
    throw new IllegalArgumentException(
        VARIABLE
            + "="
            + value
            + ": use NAME or NAME:COUNT, where NAME is one of "
            + Arrays.stream(values()).map(Enum::name).collect(Collectors.joining(", ")));
  }
}

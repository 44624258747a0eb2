package io.curvefs.metaserver.raft;

/**
 * How groups are run.
 *
 * @param electionMillis without word from a leader before a follower stands for election
 * @param snapshotSeconds between two looks whether a snapshot is due
 * @param snapshotEntriesMin entries since the last snapshot below which a new one is not worth its
 *     while
 */
public record RaftSettings(int electionMillis, int snapshotSeconds, int snapshotEntriesMin) {
  /** Elections end within a few seconds; a restart replays tens of thousands of entries at most. */
  public static final RaftSettings DEFAULT = new RaftSettings(2_000, 300, 20_000);

  public RaftSettings {
    if (electionMillis < 100 || snapshotSeconds < 1 || snapshotEntriesMin < 0) {
      throw new IllegalArgumentException(
          "bad raft settings: "
              + electionMillis
              + ", "
              + snapshotSeconds
              + ", "
              + snapshotEntriesMin);
    }
  }
}

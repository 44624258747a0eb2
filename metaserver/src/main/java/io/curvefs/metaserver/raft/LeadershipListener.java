package io.curvefs.metaserver.raft;

/**
 * Hears of this server's leadership of one group. Called by the state machine thread, after every
 * entry of earlier terms is applied: must not block.
 */
public interface LeadershipListener {
  /**
   * @param term from now on; greater than every one before
   */
  void started(long term);

  void stopped();
}

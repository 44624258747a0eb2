package io.curvefs.metaserver.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;

/**
 * Which sessions hold which inodes open, as the leader of one term knows it. What was opened before
 * the term is known once every session that the group had admitted has reported; until then any
 * inode may be open. Thread-safe.
 */
public final class OpenTable {
  /** An inode of one of the group's file systems. */
  public record File(int fileSystem, InodeId inode) {}

  /** Each open file, with the number of its last open by session. */
  @GuardedBy("this")
  private final Map<File, Map<SessionId, Long>> opens = new HashMap<>();

  /** Files that so many changes are being made to under the promise that nobody holds them open. */
  @GuardedBy("this")
  private final Map<File, Integer> shut = new HashMap<>();

  /** Sessions admitted in earlier terms that have not reported in this one. */
  @GuardedBy("this")
  private final Set<SessionId> unreported;

  /**
   * @param admitted sessions that the group had admitted when the term began
   */
  public OpenTable(Collection<SessionId> admitted) {
    unreported = new HashSet<>(admitted);
  }

  /**
   * Notes an open.
   *
   * @param number of this open; a close with a smaller one does not undo it
   * @return false when the file is shut just now: ask again in a moment
   */
  public synchronized boolean open(File file, SessionId session, long number) {
    if (shut.containsKey(file)) {
      return false;
    }
    opens.computeIfAbsent(file, f -> new HashMap<>()).merge(session, number, Math::max);
    return true;
  }

  /** Notes a close of an open with this or a smaller number. */
  public synchronized void close(File file, SessionId session, long number) {
    Map<SessionId, Long> openers = opens.get(file);
    if (openers == null) {
      return;
    }
    openers.computeIfPresent(session, (s, last) -> last <= number ? null : last);
    if (openers.isEmpty()) {
      opens.remove(file);
    }
  }

  /**
   * Takes what a session says it held open for the whole truth about it.
   *
   * @param upTo number of the session's last open when it said so; later ones are known already
   */
  public synchronized void report(SessionId session, Map<File, Long> held, long upTo) {
    unreported.remove(session);
    closeAll(session, upTo);
    held.forEach((file, number) -> open(file, session, number));
  }

  /** Whether the session is known to hold the file open. */
  public synchronized boolean isOpenBy(File file, SessionId session) {
    Map<SessionId, Long> openers = opens.get(file);
    return openers != null && openers.containsKey(session);
  }

  /** Whether everything that the session holds open is known. */
  public synchronized boolean isReported(SessionId session) {
    return !unreported.contains(session);
  }

  /** The session is over; it holds nothing open. */
  public synchronized void forget(SessionId session) {
    unreported.remove(session);
    closeAll(session, Long.MAX_VALUE);
  }

  @GuardedBy("this")
  private void closeAll(SessionId session, long upTo) {
    Iterator<Map<SessionId, Long>> all = opens.values().iterator();
    while (all.hasNext()) {
      Map<SessionId, Long> openers = all.next();
      openers.computeIfPresent(session, (s, number) -> number <= upTo ? null : number);
      if (openers.isEmpty()) {
        all.remove();
      }
    }
  }

  /**
   * Begins a change that nobody may hold the file open for: the removal of a link that may be the
   * last, a move of its blocks.
   *
   * @return whether the file is shut: it cannot be opened until {@link #unshut}. If not, it may be
   *     open somewhere
   */
  public synchronized boolean shut(File file) {
    if (mayBeOpen(file)) {
      return false;
    }
    shut.merge(file, 1, Integer::sum);
    return true;
  }

  /** The change has been carried out, or not. */
  public synchronized void unshut(File file) {
    shut.computeIfPresent(file, (f, changes) -> changes == 1 ? null : changes - 1);
  }

  public synchronized boolean mayBeOpen(File file) {
    return !unreported.isEmpty() || opens.containsKey(file);
  }

  /** Number of files that some session holds open. */
  public synchronized int size() {
    return opens.size();
  }
}

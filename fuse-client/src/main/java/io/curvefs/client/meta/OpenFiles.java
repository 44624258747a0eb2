package io.curvefs.client.meta;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.id.InodeId;
import io.curvefs.proto.OpenInode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What this mount holds open, as the metaservers are to know it: they keep a file that is unlinked
 * meanwhile. A close is told with the next beat; a close that overtakes a later open does not undo
 * it, because opens are numbered. What is only held, without having asked, is told with the next
 * beat, if it is still open then. Thread-safe.
 */
final class OpenFiles {
  private static final class State {
    int handles;
    long lastNumber;
  }

  @GuardedBy("this")
  private final Map<InodeId, State> open = new HashMap<>();

  @GuardedBy("this")
  private final Map<InodeId, Long> closed = new HashMap<>();

  @GuardedBy("this")
  private long lastNumber;

  /** Files in {@link #open} that the metaservers may not know of. */
  @GuardedBy("this")
  private final Set<InodeId> untold = new HashSet<>();

  /** Messages under way that tell of those. */
  @GuardedBy("this")
  private int telling;

  /** Opens whose answers have not come yet: the metaserver may know more than we do. */
  @GuardedBy("this")
  private final TreeSet<Long> asking = new TreeSet<>();

  /** A number for an open that is about to be asked for; {@link #answered} follows. */
  synchronized long next() {
    asking.add(++lastNumber);
    return lastNumber;
  }

  /** The open with this number was refused, or is {@link #opened} now. */
  synchronized void answered(long number) {
    asking.remove(number);
  }

  /** The open with this number was granted. */
  synchronized void opened(InodeId inode, long number) {
    State state = open.computeIfAbsent(inode, i -> new State());
    state.handles++;
    state.lastNumber = Math.max(state.lastNumber, number);
    untold.remove(inode);
  }

  /** Holds open what the metaservers may not know to be. */
  synchronized void hold(InodeId inode) {
    State state = open.get(inode);
    if (state == null) {
      state = new State();
      state.lastNumber = ++lastNumber;
      open.put(inode, state);
      untold.add(inode);
    }
    state.handles++;
  }

  synchronized void close(InodeId inode) {
    State state = open.get(inode);
    if (state != null && --state.handles == 0) {
      open.remove(inode);
      boolean neverTold = untold.remove(inode) && telling == 0;
      if (!neverTold) {
        closed.merge(inode, state.lastNumber, Math::max);
      }
    }
  }

  synchronized boolean isOpen(InodeId inode) {
    return open.containsKey(inode);
  }

  /** Everything held open, and the number up to which that is all. */
  record Whole(List<OpenInode> opened, long upTo) {}

  synchronized Whole whole() {
    List<OpenInode> opened = new ArrayList<>();
    open.forEach((inode, state) -> opened.add(message(inode, state.lastNumber)));
    return new Whole(opened, asking.isEmpty() ? lastNumber : asking.first() - 1);
  }

  /**
   * Closes that have not been told yet; they count as told from now on. None while opens are being
   * told, which a close must not overtake.
   */
  synchronized List<OpenInode> takeClosed() {
    if (telling > 0) {
      return List.of();
    }
    List<OpenInode> taken = new ArrayList<>();
    closed.forEach((inode, number) -> taken.add(message(inode, number)));
    closed.clear();
    return taken;
  }

  /** Whether the metaservers take something for open that is not. */
  synchronized boolean hasClosed() {
    return !closed.isEmpty();
  }

  synchronized boolean hasUntold() {
    return !untold.isEmpty();
  }

  /** All that the metaservers may not know to be open, to be told now; {@link #told} follows. */
  synchronized List<OpenInode> tellHeld() {
    telling++;
    List<OpenInode> held = new ArrayList<>();
    for (InodeId inode : untold) {
      State state = open.get(inode);
      if (state != null) {
        held.add(message(inode, state.lastNumber));
      }
    }
    return held;
  }

  /**
   * @param known those of what {@link #tellHeld} gave that the metaservers know now
   */
  synchronized void told(Collection<OpenInode> known) {
    telling--;
    for (OpenInode told : known) {
      InodeId inode = new InodeId(told.getInode());
      State state = open.get(inode);
      if (state != null && state.lastNumber == told.getNumber()) {
        untold.remove(inode);
      }
    }
  }

  /** Telling of these closes failed. */
  synchronized void closedUntold(List<OpenInode> closes) {
    for (OpenInode inode : closes) {
      closed.merge(new InodeId(inode.getInode()), inode.getNumber(), Math::max);
    }
  }

  private static OpenInode message(InodeId inode, long number) {
    return OpenInode.newBuilder().setInode(inode.value()).setNumber(number).build();
  }
}

package io.curvefs.client.meta;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.id.InodeId;
import io.curvefs.proto.OpenInode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * What this mount holds open, as the metaservers are to know it: they keep a file that is unlinked
 * meanwhile. A close is told with the next beat; a close that overtakes a later open does not undo
 * it, because opens are numbered. Thread-safe.
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
  }

  synchronized void close(InodeId inode) {
    State state = open.get(inode);
    if (state != null && --state.handles == 0) {
      open.remove(inode);
      closed.merge(inode, state.lastNumber, Math::max);
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

  /** Closes that have not been told yet; they count as told from now on. */
  synchronized List<OpenInode> takeClosed() {
    List<OpenInode> taken = new ArrayList<>();
    closed.forEach((inode, number) -> taken.add(message(inode, number)));
    closed.clear();
    return taken;
  }

  /** Telling these failed. */
  synchronized void untold(List<OpenInode> untold) {
    for (OpenInode inode : untold) {
      closed.merge(new InodeId(inode.getInode()), inode.getNumber(), Math::max);
    }
  }

  private static OpenInode message(InodeId inode, long number) {
    return OpenInode.newBuilder().setInode(inode.value()).setNumber(number).build();
  }
}

package io.curvefs.metaserver.group;

import io.curvefs.id.GroupId;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.partition.Slots;
import io.curvefs.metaserver.session.OpenTable;
import io.curvefs.metaserver.space.FreeSpace;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View;
import io.curvefs.proto.TransactionId;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** What the leader of one term knows beyond the rows. Gone with the term. Thread-safe. */
public final class Leadership {
  private static final int SESSIONS_MAX = 1_000_000;
  private static final int TOUCHED_MAX = 10_000;
  private static final int UNSETTLED_MAX = 100;

  private final GroupId group;
  private final long term;
  private final InodeAllocator inodes;
  private final OpenTable opens;
  private final FreeSpace space;
  private final DiscardOffers discards = new DiscardOffers(System::nanoTime);
  private final AtomicLong transactionNumbers = new AtomicLong();

  /** Chunks that were written to lately and may have become worth compacting. */
  private final Set<TouchedChunk> touched = ConcurrentHashMap.newKeySet();

  /** A chunk of a file in one of the group's file systems. */
  public record TouchedChunk(int fileSystem, InodeId inode, int index) {}

  /**
   * Log indexes that reserved slices which may yet come into use: garbage rows of these numbers
   * must not be collected in this term. In a later one their fate is in the rows.
   */
  private final Set<Long> unsettledSlices = ConcurrentHashMap.newKeySet();

  /** Transactions whose fate this leader has still to decide. */
  private final Set<TransactionId> undecided = ConcurrentHashMap.newKeySet();

  Leadership(GroupId group, long term, View rows) {
    this.group = group;
    this.term = term;
    this.inodes = new InodeAllocator(rows);
    this.space = new FreeSpace(rows);
    this.opens =
        new OpenTable(
            rows.scan(Keys.sessions(), null, SESSIONS_MAX).stream()
                .map(row -> Keys.numberOf(row.key()))
                .filter(session -> Slots.isAdmitted(rows, session))
                .map(SessionId::new)
                .toList());
  }

  public long term() {
    return term;
  }

  public InodeAllocator inodes() {
    return inodes;
  }

  public OpenTable opens() {
    return opens;
  }

  /** The free space on volumes. */
  public FreeSpace space() {
    return space;
  }

  /** Blocks that have rested and are being discarded. */
  public DiscardOffers discards() {
    return discards;
  }

  /** Remembers a chunk that got extents added; forgets it when too many are remembered already. */
  public void touch(TouchedChunk chunk) {
    if (touched.size() < TOUCHED_MAX) {
      touched.add(chunk);
    }
  }

  /** The chunks touched since the last call. */
  public List<TouchedChunk> takeTouched() {
    List<TouchedChunk> taken = List.copyOf(touched);
    taken.forEach(touched::remove);
    return taken;
  }

  /**
   * A slice is going to be written and used.
   *
   * @return false when the fate of too many is open: leave it be
   */
  public boolean unsettled(long reservation) {
    return unsettledSlices.size() < UNSETTLED_MAX && unsettledSlices.add(reservation);
  }

  /** The slice is in use by now, or it never will be. */
  public void settled(long reservation) {
    unsettledSlices.remove(reservation);
  }

  public boolean isUnsettled(long reservation) {
    return unsettledSlices.contains(reservation);
  }

  /** Names a transaction that this leader drives; undecided until {@link #decided}. */
  public TransactionId beginTransaction() {
    TransactionId id =
        TransactionId.newBuilder()
            .setHomeGroup(group.value())
            .setTerm(term)
            .setNumber(transactionNumbers.incrementAndGet())
            .build();
    undecided.add(id);
    return id;
  }

  /** The transaction's decision is in the rows, or there will never be one. */
  public void decided(TransactionId id) {
    undecided.remove(id);
  }

  public boolean isUndecided(TransactionId id) {
    return undecided.contains(id);
  }
}

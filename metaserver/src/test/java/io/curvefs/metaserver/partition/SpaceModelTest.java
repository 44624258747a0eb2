package io.curvefs.metaserver.partition;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.metaserver.testing.Invariants;
import io.curvefs.proto.AdmitSession;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.BlockGroup;
import io.curvefs.proto.BlockRange;
import io.curvefs.proto.BorrowBlocks;
import io.curvefs.proto.ChangeLinks;
import io.curvefs.proto.Chunk;
import io.curvefs.proto.ChunkBlocks;
import io.curvefs.proto.CommitBlocks;
import io.curvefs.proto.DropBlockGroups;
import io.curvefs.proto.Effect;
import io.curvefs.proto.EndLoans;
import io.curvefs.proto.ExpireSession;
import io.curvefs.proto.FileType;
import io.curvefs.proto.FreeChunks;
import io.curvefs.proto.HoldBlockGroups;
import io.curvefs.proto.Inode;
import io.curvefs.proto.InsertInode;
import io.curvefs.proto.LendBlocks;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.Mutation;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.PunchHole;
import io.curvefs.proto.ReleaseQuarantine;
import io.curvefs.proto.RequestId;
import io.curvefs.proto.ReserveBlocks;
import io.curvefs.proto.ReturnBlocks;
import io.curvefs.proto.ReturnBorrowed;
import io.curvefs.proto.SetAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Random effects on the space of a volume, compared with a map that says who owns each block. After
 * each of them bits, owners and counters agree.
 */
class SpaceModelTest {
  private static final int STEPS = 6_000;
  private static final long FIRST = 1L << 48;
  private static final long GROUP_BLOCKS = 32_768;
  private static final int GROUPS = 4;

  /** Short block groups, so that they fill up; each is longer than a word of a bitmap. */
  private static final int BLOCKS = 150;

  private static final int CHUNK_BLOCKS = 16_384;

  /** Block group {@link #GROUPS} is this raft group's; blocks of it may be borrowed. */
  private static final int LENDER = 3;

  private static final int BORROWER = 2;

  /** Of the lender's block group, which grows. */
  private int lenderBlocks = BLOCKS / 2;

  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private final Machine machine = new Machine(1);

  /** What each block is: "session 7", "file 5", "rests". Absent: free. */
  private final Map<Long, String> owners = new HashMap<>();

  /** Of each file, the block behind each of its places. */
  private final Map<Long, TreeMap<Long, Long>> files = new TreeMap<>();

  private final Map<Long, TreeMap<Long, Long>> deleted = new TreeMap<>();
  private final Map<Integer, Integer> groups = new TreeMap<>();

  /** The number of the loan of each block that is lent. */
  private final Map<Long, Long> loans = new HashMap<>();

  private final List<Integer> sessions = new ArrayList<>();
  private int nextSession = 10;
  private long nextInode = 2;
  private int sequence;

  @Test
  void bits_owners_and_counters_agree_after_every_step() {
    for (int i = 0; i < 3; i++) {
      admit();
    }
    for (int step = 0; step < STEPS; step++) {
      try {
        step();
        Invariants.checkSpace(Machine.FILE_SYSTEM, machine.rows);
        compare();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed + ", step " + step, e);
      }
    }
    assertThat(machine.replay().dump()).as("seed %d", seed).isEqualTo(machine.rows.dump());
  }

  private void step() {
    switch (random.nextInt(17)) {
      case 0 -> create();
      case 1, 2, 3 -> reserve();
      case 4 -> giveBack();
      case 5, 6, 7 -> commit();
      case 8 -> truncate();
      case 9 -> punch();
      case 10 -> unlink();
      case 11 -> free();
      case 12 -> release();
      case 13 -> lend();
      case 14 -> endLoans();
      case 15 -> {
        if (random.nextInt(3) == 0) {
          returnBorrowed();
        } else {
          borrow();
        }
      }
      default -> {
        switch (random.nextInt(4)) {
          case 0 -> expire();
          case 1 -> drop();
          default -> hold();
        }
      }
    }
  }

  private void admit() {
    sessions.add(nextSession);
    machine.apply(
        LogEntry.newBuilder().setAdmitSession(AdmitSession.newBuilder().setSession(nextSession++)));
  }

  private int session() {
    return sessions.get(random.nextInt(sessions.size()));
  }

  /** Applies an effect as a request that now and then arrives twice. */
  private Outcome apply(int session, Effect.Builder effect) {
    LogEntry.Builder entry =
        LogEntry.newBuilder()
            .setMutation(
                Mutation.newBuilder()
                    .setFileSystem(Machine.FILE_SYSTEM)
                    .setRequest(RequestId.newBuilder().setSession(session).setSequence(++sequence))
                    .addEffects(effect));
    Outcome outcome = machine.apply(entry.clone());
    if (outcome.getKind() == Outcome.Kind.APPLIED && random.nextInt(4) == 0) {
      assertThat(machine.apply(entry).getKind()).isEqualTo(Outcome.Kind.REPEATED);
    }
    return outcome;
  }

  private long address() {
    return FIRST + random.nextInt(GROUPS + 1) * GROUP_BLOCKS + random.nextInt(BLOCKS);
  }

  private boolean isHeld(long block) {
    int group = (int) ((block - FIRST) / GROUP_BLOCKS);
    return (block - FIRST) % GROUP_BLOCKS < groups.getOrDefault(group, 0);
  }

  private void create() {
    long inode = nextInode++;
    files.put(inode, new TreeMap<>());
    apply(
        session(),
        Effect.newBuilder()
            .setInsertInode(
                InsertInode.newBuilder()
                    .setInode(
                        Inode.newBuilder().setId(inode).setType(FileType.REGULAR).setNlink(1))));
  }

  private void reserve() {
    int session = session();
    ReserveBlocks.Builder reserve = ReserveBlocks.newBuilder();
    Map<Long, String> after = new HashMap<>(owners);
    boolean free = true;
    for (int i = 1 + random.nextInt(2); i > 0; i--) {
      BlockRange range = range(address(), 1 + random.nextInt(20));
      reserve.addRanges(range);
      for (long block : blocks(range)) {
        free &= isHeld(block) && after.put(block, "session " + session) == null;
      }
    }
    Outcome outcome = apply(session, Effect.newBuilder().setReserveBlocks(reserve));
    assertThat(outcome.getKind() == Outcome.Kind.APPLIED).as("reserved").isEqualTo(free);
    if (free) {
      owners.putAll(after);
    }
  }

  private static BlockRange range(long address, int count) {
    return BlockRange.newBuilder().setAddress(address).setCount(count).build();
  }

  private static List<Long> blocks(BlockRange range) {
    List<Long> blocks = new ArrayList<>();
    for (int i = 0; i < range.getCount(); i++) {
      blocks.add(range.getAddress() + i);
    }
    return blocks;
  }

  private void giveBack() {
    int session = session();
    BlockRange range = range(address(), 1 + random.nextInt(40));
    Outcome outcome =
        apply(
            session,
            Effect.newBuilder().setReturnBlocks(ReturnBlocks.newBuilder().addRanges(range)));
    List<Long> freed = new ArrayList<>();
    outcome.getFreedList().forEach(some -> freed.addAll(blocks(some)));
    List<Long> own = new ArrayList<>();
    for (long block : blocks(range)) {
      if (("session " + session).equals(owners.get(block))) {
        own.add(block);
        owners.remove(block);
      }
    }
    assertThat(freed).isEqualTo(own);
  }

  private void commit() {
    if (files.isEmpty()) {
      return;
    }
    int session = session();
    long inode = anyFile();
    // Most often blocks that are the session's, at places around the seam of two chunks.
    List<Long> own =
        owners.entrySet().stream()
            .filter(owner -> owner.getValue().equals("session " + session))
            .map(Map.Entry::getKey)
            .sorted()
            .toList();
    long address =
        own.isEmpty() || random.nextInt(8) == 0 ? address() : own.get(random.nextInt(own.size()));
    int count = 1 + random.nextInt(6);
    boolean reserved = true;
    for (int i = 0; i < count; i++) {
      reserved &= ("session " + session).equals(owners.get(address + i));
    }
    int chunk = random.nextInt(2);
    int at = chunk == 0 ? CHUNK_BLOCKS - 6 - random.nextInt(20) : random.nextInt(20);
    long place = (long) chunk * CHUNK_BLOCKS + at;
    Outcome outcome =
        apply(
            session,
            Effect.newBuilder()
                .setCommitBlocks(
                    CommitBlocks.newBuilder()
                        .setInode(inode)
                        .setLength((place + count) * 4096 - random.nextInt(4096))
                        .addChunks(
                            ChunkBlocks.newBuilder()
                                .setIndex(chunk)
                                .addBlocks(
                                    BlockExtent.newBuilder()
                                        .setChunkBlock(at)
                                        .setAddress(address)
                                        .setCount(count)))));
    assertThat(outcome.getKind() == Outcome.Kind.APPLIED).as("committed").isEqualTo(reserved);
    if (reserved) {
      for (int i = 0; i < count; i++) {
        rest(files.get(inode).put(place + i, address + i));
        owners.put(address + i, "file " + inode);
      }
    }
  }

  private void rest(Long block) {
    if (block != null) {
      owners.put(block, "rests");
    }
  }

  private long anyFile() {
    List<Long> ids = List.copyOf(files.keySet());
    return ids.get(random.nextInt(ids.size()));
  }

  private long anyPlace() {
    return CHUNK_BLOCKS - 26 + random.nextInt(52);
  }

  private void truncate() {
    if (files.isEmpty()) {
      return;
    }
    long inode = anyFile();
    long length = random.nextInt(6) == 0 ? 0 : anyPlace() * 4096 + random.nextInt(4096);
    long before = machine.namespace().inode(new InodeId(inode)).getLength();
    apply(
        session(),
        Effect.newBuilder()
            .setSetAttributes(SetAttributes.newBuilder().setInode(inode).setLength(length)));
    if (length < before) {
      takeOut(files.get(inode), (length + 4095) / 4096, Long.MAX_VALUE);
    }
  }

  private void takeOut(TreeMap<Long, Long> file, long from, long to) {
    Map<Long, Long> gone = file.subMap(from, to);
    gone.values().forEach(this::rest);
    gone.clear();
  }

  private void punch() {
    if (files.isEmpty()) {
      return;
    }
    long inode = anyFile();
    long first = anyPlace();
    int count = 1 + random.nextInt(12);
    apply(
        session(),
        Effect.newBuilder()
            .setPunchHole(
                PunchHole.newBuilder().setInode(inode).setFirstBlock(first).setCount(count)));
    takeOut(files.get(inode), first, first + count);
  }

  private void unlink() {
    if (files.isEmpty()) {
      return;
    }
    long inode = anyFile();
    apply(
        session(),
        Effect.newBuilder().setChangeLinks(ChangeLinks.newBuilder().setInode(inode).setDelta(-1)));
    deleted.put(inode, files.remove(inode));
  }

  /** One chunk, and what says that the file is garbage if it was the last one. */
  private void free() {
    List<Row> garbage = machine.rows.scan(Keys.garbage(Machine.FILE_SYSTEM), null, 100);
    if (garbage.isEmpty()) {
      return;
    }
    byte[] key = garbage.get(random.nextInt(garbage.size())).key();
    long inode = Keys.inodeOf(key);
    List<Row> chunks = machine.rows.scan(Keys.chunks(Machine.FILE_SYSTEM, inode), null, 2);
    FreeChunks.Builder free = FreeChunks.newBuilder();
    if (!chunks.isEmpty()) {
      free.addChunkKeys(ByteString.copyFrom(chunks.get(0).key()));
      int index = Keys.chunkIndexOf(chunks.get(0).key());
      takeOut(deleted.get(inode), (long) index * CHUNK_BLOCKS, (index + 1L) * CHUNK_BLOCKS);
    }
    if (chunks.size() < 2) {
      free.addGarbageKeys(ByteString.copyFrom(key));
    }
    for (int i = random.nextInt(3) == 0 ? 2 : 1; i > 0; i--) {
      machine.apply(LogEntry.newBuilder().setFreeChunks(free));
    }
  }

  private void release() {
    ReleaseQuarantine.Builder release =
        ReleaseQuarantine.newBuilder().setFileSystem(Machine.FILE_SYSTEM);
    for (Row row : machine.rows.scan(Keys.quarantine(Machine.FILE_SYSTEM), null, 100)) {
      if (random.nextBoolean()) {
        release.addKeys(ByteString.copyFrom(row.key()));
        for (long block : blocks(BlockRanges.message(SpaceRows.blocksOf(row)))) {
          assertThat(owners.remove(block)).isEqualTo("rests");
        }
      }
    }
    machine.apply(LogEntry.newBuilder().setReleaseQuarantine(release));
    assertThat(machine.apply(LogEntry.newBuilder().setReleaseQuarantine(release)).getFreedList())
        .isEmpty();
  }

  private void expire() {
    int session = sessions.remove(random.nextInt(sessions.size()));
    machine.apply(
        LogEntry.newBuilder().setExpireSession(ExpireSession.newBuilder().setSession(session)));
    owners.replaceAll((block, owner) -> owner.equals("session " + session) ? "rests" : owner);
    admit();
  }

  private void hold() {
    int group = random.nextInt(GROUPS);
    int blocks = 1 + random.nextInt(BLOCKS);
    machine.apply(
        LogEntry.newBuilder()
            .setHoldBlockGroups(
                HoldBlockGroups.newBuilder()
                    .setFileSystem(Machine.FILE_SYSTEM)
                    .addGroups(
                        BlockGroup.newBuilder()
                            .setAddress(FIRST + group * GROUP_BLOCKS)
                            .setBlocks(blocks))));
    groups.merge(group, blocks, Math::max);
  }

  private void drop() {
    int group = random.nextInt(GROUPS);
    machine.apply(
        LogEntry.newBuilder()
            .setDropBlockGroups(
                DropBlockGroups.newBuilder()
                    .setFileSystem(Machine.FILE_SYSTEM)
                    .addAddresses(FIRST + group * GROUP_BLOCKS)));
    if (owners.keySet().stream().noneMatch(b -> (b - FIRST) / GROUP_BLOCKS == group)) {
      groups.remove(group);
    }
  }

  private static String awayTo(int raftGroup) {
    return "session -" + raftGroup;
  }

  private void lend() {
    if (random.nextInt(4) == 0) {
      machine.apply(
          LogEntry.newBuilder()
              .setLendBlocks(
                  LendBlocks.newBuilder()
                      .setFileSystem(Machine.FILE_SYSTEM)
                      .setBorrower(BORROWER)
                      .setRenew(true)));
      loans.replaceAll((block, number) -> (long) machine.log.size());
      return;
    }
    BlockRange range = range(address(), 1 + random.nextInt(20));
    Outcome outcome =
        machine.apply(
            LogEntry.newBuilder()
                .setLendBlocks(
                    LendBlocks.newBuilder()
                        .setFileSystem(Machine.FILE_SYSTEM)
                        .setBorrower(BORROWER)
                        .addRanges(range)));
    boolean possible =
        blocks(range).stream()
            .allMatch(block -> isHeld(block) && isOwn(block) && !owners.containsKey(block));
    assertThat(outcome.getKind() == Outcome.Kind.APPLIED).as("lent").isEqualTo(possible);
    if (possible) {
      assertThat(outcome.getNumber()).isEqualTo(machine.log.size());
      for (long block : blocks(range)) {
        owners.put(block, awayTo(BORROWER));
        loans.put(block, outcome.getNumber());
      }
    }
  }

  private static boolean isOwn(long block) {
    return (block - FIRST) / GROUP_BLOCKS < GROUPS;
  }

  private void endLoans() {
    BlockRange range = range(address(), 1 + random.nextInt(40));
    long numberMax =
        random.nextInt(3) > 0 ? machine.log.size() : random.nextInt(machine.log.size());
    Outcome outcome =
        machine.apply(
            LogEntry.newBuilder()
                .setEndLoans(
                    EndLoans.newBuilder()
                        .setFileSystem(Machine.FILE_SYSTEM)
                        .setBorrower(BORROWER)
                        .setNumberMax(numberMax)
                        .addRanges(range)));
    List<Long> freed = new ArrayList<>();
    outcome.getFreedList().forEach(some -> freed.addAll(blocks(some)));
    List<Long> ended =
        blocks(range).stream()
            .filter(block -> loans.getOrDefault(block, Long.MAX_VALUE) <= numberMax)
            .toList();
    ended.forEach(
        block -> {
          loans.remove(block);
          owners.remove(block);
        });
    assertThat(freed).as("freed, numbers up to %d", numberMax).isEqualTo(ended);
  }

  private void borrow() {
    long group = FIRST + GROUPS * GROUP_BLOCKS;
    lenderBlocks = Math.min(BLOCKS, lenderBlocks + random.nextInt(2));
    int first = random.nextInt(lenderBlocks);
    BlockRange range = range(group + first, 1 + random.nextInt(lenderBlocks - first));
    Outcome outcome =
        machine.apply(
            LogEntry.newBuilder()
                .setBorrowBlocks(
                    BorrowBlocks.newBuilder()
                        .setFileSystem(Machine.FILE_SYSTEM)
                        .setLender(LENDER)
                        .setNumber(machine.log.size())
                        .addGroups(
                            BlockGroup.newBuilder().setAddress(group).setBlocks(lenderBlocks))
                        .addRanges(range)));
    int known = groups.getOrDefault(GROUPS, 0);
    boolean possible =
        blocks(range).stream()
            .allMatch(b -> b >= group + known || awayTo(LENDER).equals(owners.get(b)));
    assertThat(outcome.getKind() == Outcome.Kind.APPLIED).as("borrowed").isEqualTo(possible);
    if (possible) {
      for (long block = group + known; block < group + lenderBlocks; block++) {
        owners.put(block, awayTo(LENDER));
      }
      groups.put(GROUPS, Math.max(known, lenderBlocks));
      owners.keySet().removeAll(blocks(range));
    }
  }

  private void returnBorrowed() {
    long group = FIRST + GROUPS * GROUP_BLOCKS;
    int first = random.nextInt(BLOCKS);
    BlockRange range = range(group + first, 1 + random.nextInt(Math.min(40, BLOCKS - first)));
    Outcome outcome =
        machine.apply(
            LogEntry.newBuilder()
                .setReturnBorrowed(
                    ReturnBorrowed.newBuilder()
                        .setFileSystem(Machine.FILE_SYSTEM)
                        .addRanges(range)));
    boolean possible =
        blocks(range).stream().allMatch(block -> isHeld(block) && !owners.containsKey(block));
    assertThat(outcome.getKind() == Outcome.Kind.APPLIED).as("returned").isEqualTo(possible);
    if (possible) {
      blocks(range).forEach(block -> owners.put(block, awayTo(LENDER)));
      List<Long> all = blocks(range(group, groups.get(GROUPS)));
      if (all.stream().allMatch(block -> awayTo(LENDER).equals(owners.get(block)))) {
        owners.keySet().removeAll(all);
        groups.remove(GROUPS);
      }
    }
  }

  private void compare() {
    Map<Long, String> found = new HashMap<>();
    for (Row row : machine.rows.scan(Keys.chunks(Machine.FILE_SYSTEM), null, 10_000)) {
      long inode = Keys.inodeOf(row.key());
      TreeMap<Long, Long> file = files.getOrDefault(inode, deleted.get(inode));
      for (BlockExtent extent : Namespace.parse(row.value(), Chunk.parser()).getBlocksList()) {
        for (int i = 0; i < extent.getCount(); i++) {
          long place =
              (long) Keys.chunkIndexOf(row.key()) * CHUNK_BLOCKS + extent.getChunkBlock() + i;
          assertThat(file.get(place)).isEqualTo(extent.getAddress() + i);
          found.put(extent.getAddress() + i, "file " + inode);
        }
      }
    }
    for (Row row : machine.rows.scan(Keys.reservations(), null, 10_000)) {
      for (long block : blocks(BlockRanges.message(SpaceRows.blocksOf(row)))) {
        found.put(block, "session " + Keys.sessionOfReservation(row.key()));
      }
    }
    for (Row row : machine.rows.scan(Keys.quarantine(Machine.FILE_SYSTEM), null, 10_000)) {
      for (long block : blocks(BlockRanges.message(SpaceRows.blocksOf(row)))) {
        found.put(block, "rests");
      }
    }
    assertThat(found).isEqualTo(owners);
    files.forEach(
        (inode, file) ->
            assertThat(machine.namespace().inode(new InodeId(inode)).getAllocated())
                .isEqualTo(file.size() * 4096L));
  }
}

package io.curvefs.metaserver.reclaim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.group.Placement;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.partition.SpaceRows;
import io.curvefs.metaserver.service.NamespaceService;
import io.curvefs.metaserver.session.OpenTable;
import io.curvefs.metaserver.space.Pool;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.supply.BlockGroupKeeper;
import io.curvefs.metaserver.supply.Loans;
import io.curvefs.metaserver.supply.SpaceSupply;
import io.curvefs.metaserver.testing.Invariants;
import io.curvefs.metaserver.testing.LocalGroup;
import io.curvefs.metaserver.testing.MemoryBlockGroups;
import io.curvefs.metaserver.testing.NoLenders;
import io.curvefs.metaserver.transaction.GroupPort;
import io.curvefs.metaserver.transaction.TransactionDriver;
import io.curvefs.metaserver.transaction.TransactionFinisher;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.BlockRange;
import io.curvefs.proto.CheckSpace;
import io.curvefs.proto.ChunkBlocks;
import io.curvefs.proto.CommitBlocks;
import io.curvefs.proto.Create;
import io.curvefs.proto.Effect;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.FileType;
import io.curvefs.proto.GetSpace;
import io.curvefs.proto.Inode;
import io.curvefs.proto.MutateReply;
import io.curvefs.proto.MutateRequest;
import io.curvefs.proto.Mutation;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.ReadReply;
import io.curvefs.proto.ReadRequest;
import io.curvefs.proto.Reserve;
import io.curvefs.proto.ReturnBlocks;
import io.curvefs.proto.SpaceCheck;
import io.curvefs.proto.SpaceUsage;
import io.curvefs.proto.Target;
import io.curvefs.proto.Unlink;
import io.curvefs.proto.Volume;
import io.curvefs.proto.VolumeStorage;
import io.curvefs.rpc.Deadline;
import io.curvefs.time.WallClock;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Blocks from the coordinator to a file, into quarantine and back, in a group with a real log. */
@Timeout(60)
class SpaceLifeTest {
  private static final String POOL_SET = "fast";
  private static final Pool POOL = new Pool(LocalGroup.FILE_SYSTEM, POOL_SET);
  private static final int SESSION = 5;
  private static final int REST_SECONDS = 30;
  private static final long FIRST = MemoryBlockGroups.FIRST;
  private static final int GROUP_BLOCKS = MemoryBlockGroups.GROUP_BLOCKS;
  private static final VolumeStorage VOLUMES =
      VolumeStorage.newBuilder()
          .setPoolSet(POOL_SET)
          .setQuarantineSeconds(REST_SECONDS)
          .addVolumes(Volume.newBuilder().setNumber(1).setPoolSet(POOL_SET))
          .build();
  private static final FileSystem FILE_SYSTEM =
      FileSystem.newBuilder().setId(LocalGroup.FILE_SYSTEM).setVolumeStorage(VOLUMES).build();

  @TempDir Path directory;
  private LocalGroup local;
  private MemoryBlockGroups coordinator = new MemoryBlockGroups(4, GROUP_BLOCKS);
  private NamespaceService service;
  private long nanos;
  private final RestedBlocks rested = new RestedBlocks(() -> nanos);
  private final ExecutorService threads = Executors.newFixedThreadPool(2);
  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
  private long sequence;

  private static final Placement PLACEMENT =
      new Placement() {
        @Override
        public GroupId groupOf(int fileSystem, int partition) {
          return new GroupId(1);
        }

        @Override
        public int choosePartition(int fileSystem) {
          return 0;
        }

        @Override
        public VolumeStorage volumes(int fileSystem) {
          return VOLUMES;
        }
      };

  @BeforeEach
  void start() throws Exception {
    local = new LocalGroup(directory);
    use(coordinator);
  }

  private void use(MemoryBlockGroups other) {
    coordinator = other;
    GroupPort nobody =
        (group, request, deadline) ->
            CompletableFuture.failedFuture(new RefusedException(Refusal.UNREACHABLE, "nobody"));
    service =
        new NamespaceService(
            PLACEMENT,
            session -> CompletableFuture.completedFuture(true),
            new TransactionDriver(
                PLACEMENT, nobody, new TransactionFinisher(nobody), new Random(1)),
            threads,
            threads,
            threads,
            new SpaceSupply(coordinator, new Loans(new NoLenders(), () -> nanos), () -> nanos),
            timer);
  }

  @AfterEach
  void stop() {
    Invariants.checkSpace(LocalGroup.FILE_SYSTEM, local.group().rows());
    local.close();
    threads.shutdownNow();
    timer.shutdownNow();
  }

  private MutateReply mutate(MutateRequest.Builder request) throws Exception {
    return service
        .mutate(
            local.group(),
            request
                .setTarget(
                    Target.newBuilder()
                        .setFileSystem(LocalGroup.FILE_SYSTEM)
                        .setGroup(1)
                        .setSession(SESSION))
                .setTime(WallClock.SYSTEM.now())
                .setSequence(++sequence)
                .build(),
            Deadline.in(Duration.ofSeconds(10)))
        .get(20, TimeUnit.SECONDS);
  }

  private ReadReply read(ReadRequest.Builder request) throws Exception {
    return service
        .read(
            local.group(),
            request
                .setTarget(Target.newBuilder().setFileSystem(LocalGroup.FILE_SYSTEM).setGroup(1))
                .build(),
            Deadline.in(Duration.ofSeconds(10)))
        .get(20, TimeUnit.SECONDS);
  }

  private long create(String name) throws Exception {
    return mutate(
            MutateRequest.newBuilder()
                .setCreate(
                    Create.newBuilder()
                        .setParent(InodeId.ROOT.value())
                        .setName(ByteString.copyFromUtf8(name))
                        .setType(FileType.REGULAR)
                        .setMode(0644)))
        .getInode()
        .getId();
  }

  private void unlink(String name) throws Exception {
    mutate(
        MutateRequest.newBuilder()
            .setUnlink(
                Unlink.newBuilder()
                    .setParent(InodeId.ROOT.value())
                    .setName(ByteString.copyFromUtf8(name))));
  }

  private MutateReply reserve(long inode, int blocks, int blocksMin) throws Exception {
    return mutate(
        MutateRequest.newBuilder()
            .setReserve(
                Reserve.newBuilder().setInode(inode).setBlocks(blocks).setBlocksMin(blocksMin)));
  }

  private static int count(List<BlockRange> ranges) {
    return ranges.stream().mapToInt(BlockRange::getCount).sum();
  }

  /** Makes the ranges the begin of a file. */
  private MutateReply commit(long inode, List<BlockRange> ranges) throws Exception {
    CommitBlocks.Builder commit = CommitBlocks.newBuilder().setInode(inode);
    long at = 0;
    for (BlockRange range : ranges) {
      int done = 0;
      while (done < range.getCount()) {
        int place = (int) (at % 16_384);
        int part = Math.min(range.getCount() - done, 16_384 - place);
        commit.addChunks(
            ChunkBlocks.newBuilder()
                .setIndex((int) (at / 16_384))
                .addBlocks(
                    BlockExtent.newBuilder()
                        .setChunkBlock(place)
                        .setCount(part)
                        .setAddress(range.getAddress() + done)));
        done += part;
        at += part;
      }
    }
    return mutate(MutateRequest.newBuilder().setCommitBlocks(commit.setLength(at * 4096)));
  }

  private void giveBack(List<BlockRange> ranges) throws Exception {
    mutate(
        MutateRequest.newBuilder().setReturnBlocks(ReturnBlocks.newBuilder().addAllRanges(ranges)));
  }

  private void freeDeleted() throws Exception {
    DeletedBlocks deleted = new DeletedBlocks();
    while (deleted.free(local.group(), local.leadership(), LocalGroup.FILE_SYSTEM)) {
      // more steps
    }
  }

  private void releaseRested() throws Exception {
    rested.note(local.group(), local.leadership());
    while (rested.release(local.group(), local.leadership(), FILE_SYSTEM)) {
      // more steps
    }
  }

  private void pass(int seconds) {
    nanos += TimeUnit.SECONDS.toNanos(seconds);
  }

  private long index() {
    return ByteBuffer.wrap(local.group().rows().get(Keys.appliedIndex())).getLong();
  }

  private long free() {
    return local.leadership().space().free(POOL);
  }

  private SpaceUsage usage() throws Exception {
    return read(ReadRequest.newBuilder().setGetSpace(GetSpace.getDefaultInstance())).getSpace(0);
  }

  private static void assertRefused(Refusal refusal, Work work) {
    assertThatThrownBy(work::run)
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(RefusedException.class)
        .satisfies(e -> assertThat(((RefusedException) e.getCause()).refusal()).isEqualTo(refusal));
  }

  private interface Work {
    void run() throws Exception;
  }

  @Test
  void blocks_of_a_deleted_file_rest_and_are_used_again() throws Exception {
    long file = create("f");
    List<BlockRange> blocks = reserve(file, 20_000, 20_000).getReservedList();
    assertThat(count(blocks)).isEqualTo(20_000);
    assertThat(commit(file, blocks).getInode().getAllocated()).isEqualTo(20_000 * 4096L);
    long held = local.leadership().space().free(POOL) + 20_000;
    unlink("f");
    freeDeleted();
    assertThat(usage().getQuarantined()).isEqualTo(20_000);
    assertThat(usage().getUsed()).isZero();

    releaseRested();
    pass(REST_SECONDS + 4);
    releaseRested();
    assertThat(free()).as("they rest for a while").isEqualTo(held - 20_000);
    pass(2);
    releaseRested();
    assertThat(free()).isEqualTo(held);
    long other = create("g");
    assertThat(count(reserve(other, (int) held, (int) held).getReservedList())).isEqualTo(held);
  }

  @Test
  void each_operation_is_one_entry_once_there_is_space() throws Exception {
    long file = create("f");
    giveBack(reserve(file, 10, 10).getReservedList());
    long before = index();
    List<BlockRange> blocks = reserve(file, 10, 10).getReservedList();
    assertThat(index()).isEqualTo(before + 1);
    commit(file, blocks);
    assertThat(index()).isEqualTo(before + 2);
    unlink("f");
    assertThat(index()).isEqualTo(before + 3);
    freeDeleted();
    assertThat(index()).isEqualTo(before + 4);
    releaseRested();
    pass(60);
    releaseRested();
    assertThat(index()).isEqualTo(before + 5);
  }

  @Test
  void a_next_leader_knows_what_is_free_and_blocks_rest_anew() throws Exception {
    long file = create("f");
    commit(file, reserve(file, 5000, 5000).getReservedList());
    reserve(file, 300, 300);
    unlink("f");
    freeDeleted();
    releaseRested();
    long free = free();
    pass(60);
    local.restart();
    assertThat(free()).isEqualTo(free);

    releaseRested();
    assertThat(free()).isEqualTo(free);
    pass(60);
    releaseRested();
    assertThat(free()).isEqualTo(free + 5000);
  }

  @Test
  void what_a_client_has_reserved_is_committed_after_a_change_of_leaders() throws Exception {
    long file = create("f");
    List<BlockRange> blocks = reserve(file, 100, 100).getReservedList();
    local.restart();
    commit(file, blocks);

    assertThat(usage().getUsed()).isEqualTo(100);
  }

  @Test
  void a_request_that_comes_again_gets_the_first_blocks_and_takes_no_others() throws Exception {
    long file = create("f");
    MutateReply first = reserve(file, 100, 100);
    long free = free();
    sequence--;
    MutateReply second = reserve(file, 100, 100);

    assertThat(second.getReservedList()).isEqualTo(first.getReservedList());
    assertThat(free()).isEqualTo(free);
  }

  @Test
  void blocks_of_a_session_that_is_over_cannot_be_committed() throws Exception {
    long file = create("f");
    List<BlockRange> blocks = reserve(file, 100, 100).getReservedList();
    giveBack(blocks);
    assertRefused(Refusal.NOT_RESERVED, () -> commit(file, blocks));

    List<BlockRange> others = reserve(file, 100, 100).getReservedList();
    local.expire(SESSION);
    assertRefused(Refusal.SESSION_EXPIRED, () -> commit(file, others));
    assertThat(usage().getQuarantined()).isEqualTo(100);
  }

  @Test
  void malformed_requests_are_refused() throws Exception {
    long file = create("f");
    List<BlockRange> blocks = reserve(file, 100, 100).getReservedList();
    assertRefused(Refusal.BAD_REQUEST, () -> commit(file, List.of(blocks.get(0), blocks.get(0))));
    assertRefused(Refusal.BAD_REQUEST, () -> reserve(file, 1, 2));
    assertRefused(
        Refusal.BAD_REQUEST,
        () -> commit(file, List.of(BlockRange.newBuilder().setAddress(5).setCount(1).build())));
    assertRefused(Refusal.EINVAL, () -> reserve(InodeId.ROOT.value(), 1, 1));
    assertRefused(Refusal.ENOENT, () -> reserve(999, 1, 1));
  }

  @Test
  void when_all_is_full_a_writer_hears_whether_waiting_helps() throws Exception {
    use(new MemoryBlockGroups(2, 1000));
    long file = create("f");
    List<BlockRange> all = reserve(file, 1500, 1).getReservedList();
    while (count(all) < 2000) {
      MutateReply more = reserve(file, 1500, 1);
      all = new ArrayList<>(all);
      all.addAll(more.getReservedList());
    }
    assertRefused(Refusal.ENOSPC, () -> reserve(file, 1, 1));
    commit(file, all);
    unlink("f");
    long other = create("g");
    assertRefused(Refusal.SPACE_RESTS, () -> reserve(other, 1, 1));
    freeDeleted();
    assertRefused(Refusal.SPACE_RESTS, () -> reserve(other, 1, 1));
    releaseRested();
    pass(60);
    releaseRested();
    assertThat(count(reserve(other, 1500, 1500).getReservedList())).isEqualTo(1500);
  }

  @Test
  void when_space_is_scarce_nobody_gets_more_than_needed_and_all_are_told() throws Exception {
    use(new MemoryBlockGroups(1, 4000));
    long file = create("f");
    reserve(file, 100, 100); // asks for more, in vain
    pass(1);
    reserve(file, 100, 100);
    MutateReply reply = reserve(file, 2000, 10);

    assertThat(count(reply.getReservedList())).isEqualTo(10);
    assertThat(reply.getScarce()).isTrue();
  }

  @Test
  void a_streaming_writer_waits_for_the_first_block_group_alone() throws Exception {
    use(new MemoryBlockGroups(20, GROUP_BLOCKS));
    long file = create("f");
    reserve(file, 1000, 1);
    for (int i = 0; i < 60; i++) {
      assertThat(free()).as("asked ahead of need").isGreaterThanOrEqualTo(2000);
      assertThat(count(reserve(file, 2000, 1).getReservedList())).isEqualTo(2000);
    }
    assertThat(coordinator.questions).isLessThan(6);
  }

  @Test
  void a_coordinator_that_does_not_answer_is_no_reason_for_enospc() throws Exception {
    long file = create("f");
    coordinator.silent = true;
    assertRefused(Refusal.UNREACHABLE, () -> reserve(file, 1, 1));
    coordinator.silent = false;
    assertThat(count(reserve(file, 1, 1).getReservedList())).isEqualTo(1);
  }

  @Test
  void what_was_given_and_is_not_held_is_taken_again_by_the_next_leader() throws Exception {
    long file = create("f");
    reserve(file, 10, 10);
    BlockGroupKeeper keeper = new BlockGroupKeeper(coordinator);
    coordinator.assign(
        io.curvefs.proto.AssignBlockGroups.newBuilder().setPoolSet(POOL_SET).setCount(1).build());
    long lost = coordinator.given.lastKey();
    long number = coordinator.given.get(lost).getGiven();
    local.restart();
    keeper
        .reconcile(local.group(), local.leadership(), LocalGroup.FILE_SYSTEM)
        .get(10, TimeUnit.SECONDS);

    SpaceRows rows = new SpaceRows(local.group().rows(), LocalGroup.FILE_SYSTEM);
    assertThat(rows.heldBlockGroup(lost).getGiven()).isGreaterThan(number);
    assertThat(free()).isEqualTo(coordinator.given.size() * (long) GROUP_BLOCKS - 10);
  }

  @Test
  void empty_block_groups_go_back_but_for_a_spare_one() throws Exception {
    BlockGroupKeeper keeper = new BlockGroupKeeper(coordinator);
    long file = create("f");
    List<BlockRange> blocks = reserve(file, 3 * GROUP_BLOCKS, 3 * GROUP_BLOCKS).getReservedList();
    int most = coordinator.given.size();
    giveBack(blocks);
    reserve(file, 1, 1);
    for (int round = 0; round < 2; round++) {
      assertThat(coordinator.given).hasSize(most);
      keeper
          .giveBack(local.group(), local.leadership(), LocalGroup.FILE_SYSTEM)
          .get(10, TimeUnit.SECONDS);
    }

    assertThat(coordinator.given).hasSize(2);
    assertThat(free()).isEqualTo(2 * GROUP_BLOCKS - 1);
    assertThat(new SpaceRows(local.group().rows(), LocalGroup.FILE_SYSTEM).heldBlockGroups())
        .extracting(SpaceRows.Held::address)
        .containsExactlyElementsOf(coordinator.given.keySet());
  }

  @Test
  void usage_and_check_tell_what_is_in_the_rows() throws Exception {
    long file = create("f");
    commit(file, reserve(file, 70, 70).getReservedList());
    reserve(file, 30, 30);
    SpaceUsage usage =
        read(ReadRequest.newBuilder().setGetSpace(GetSpace.newBuilder().setByBlockGroup(true)))
            .getSpace(0);

    assertThat(usage.getPoolSet()).isEqualTo(POOL_SET);
    assertThat(usage.getUsed()).isEqualTo(70);
    assertThat(usage.getReserved()).isEqualTo(30);
    assertThat(usage.getBlockGroups(0).getAddress()).isEqualTo(FIRST);
    assertThat(usage.getBlockGroups(0).getSet()).isEqualTo(100);
    assertThat(usage.getBlockGroups(0).getBitmap().size()).isEqualTo(GROUP_BLOCKS / 8);
    SpaceCheck check =
        read(ReadRequest.newBuilder().setCheckSpace(CheckSpace.newBuilder().setNumber(1)))
            .getSpaceCheck();
    assertThat(check.getProblemsList()).isEmpty();
    assertThat(check.getFiles()).isEqualTo(1);
    assertThat(check.getSet()).isEqualTo(100);
    assertThat(check.getUsed()).isEqualTo(70);
    assertThat(check.getReserved()).isEqualTo(30);
  }

  // ---- moving ----

  /** A file of two pieces, with another's blocks between them. */
  private long fragmented() throws Exception {
    long file = create("f");
    List<BlockRange> blocks = reserve(file, 300, 300).getReservedList();
    assertThat(blocks).hasSize(1);
    long first = blocks.get(0).getAddress();
    commit(file, List.of(range(first, 100), range(first + 200, 100)));
    return file;
  }

  private static BlockRange range(long address, int count) {
    return BlockRange.newBuilder().setAddress(address).setCount(count).build();
  }

  private MutateReply reserveToMove(long inode, int blocks, int rangesMax) throws Exception {
    return mutate(
        MutateRequest.newBuilder()
            .setReserve(
                Reserve.newBuilder()
                    .setInode(inode)
                    .setBlocks(blocks)
                    .setBlocksMin(blocks)
                    .setRangesMax(rangesMax)
                    .setMoving(true)));
  }

  private static CommitBlocks.Builder move(long inode, long version, int place, BlockRange to) {
    return CommitBlocks.newBuilder()
        .setInode(inode)
        .setBasedOn(version)
        .setMoved(true)
        .addChunks(
            ChunkBlocks.newBuilder()
                .addBlocks(
                    BlockExtent.newBuilder()
                        .setChunkBlock(place)
                        .setCount(to.getCount())
                        .setAddress(to.getAddress())));
  }

  private MutateReply commit(CommitBlocks.Builder commit) throws Exception {
    return mutate(MutateRequest.newBuilder().setCommitBlocks(commit));
  }

  private Inode inode(long id) {
    return new Namespace(local.group().rows(), LocalGroup.FILE_SYSTEM).inode(new InodeId(id));
  }

  @Test
  void a_move_is_two_entries_changes_no_time_and_the_old_blocks_rest() throws Exception {
    long file = fragmented();
    Inode before = inode(file);
    long index = index();
    BlockRange to = reserveToMove(file, 200, 1).getReserved(0);
    commit(move(file, before.getDataVersion(), 0, to));

    assertThat(index()).isEqualTo(index + 2);
    assertThat(inode(file))
        .isEqualTo(
            before.toBuilder()
                .setVersion(before.getVersion() + 1)
                .setDataVersion(before.getDataVersion() + 1)
                .build());
    assertThat(usage().getQuarantined()).isEqualTo(200);
    assertThat(
            new Namespace(local.group().rows(), LocalGroup.FILE_SYSTEM)
                .chunk(new InodeId(file), 0)
                .getBlocksList())
        .containsExactly(
            BlockExtent.newBuilder().setCount(200).setAddress(to.getAddress()).build());
    long free = free();
    releaseRested();
    pass(REST_SECONDS + 6);
    releaseRested();
    assertThat(free()).isEqualTo(free + 200);
  }

  @Test
  void a_file_that_may_be_open_is_not_moved() throws Exception {
    long file = fragmented();
    long version = inode(file).getDataVersion();
    BlockRange to = reserveToMove(file, 200, 1).getReserved(0);
    OpenTable.File opened = new OpenTable.File(LocalGroup.FILE_SYSTEM, new InodeId(file));
    local.leadership().opens().open(opened, new SessionId(SESSION), 1);
    long index = index();
    assertRefused(Refusal.EBUSY, () -> reserveToMove(file, 200, 1));
    assertRefused(Refusal.EBUSY, () -> commit(move(file, version, 0, to)));
    assertThat(index()).isEqualTo(index);

    local.leadership().opens().close(opened, new SessionId(SESSION), 1);
    commit(move(file, version, 0, to));
    assertThat(local.leadership().opens().open(opened, new SessionId(SESSION), 2))
        .as("once it is moved")
        .isTrue();
  }

  @Test
  void who_opens_a_file_between_plan_and_entry_keeps_it_where_it_is() throws Exception {
    long file = fragmented();
    BlockRange to = reserveToMove(file, 200, 1).getReserved(0);
    OpenTable.File opened = new OpenTable.File(LocalGroup.FILE_SYSTEM, new InodeId(file));
    local.leadership().opens().open(opened, new SessionId(SESSION), 1);
    Mutation.Builder planned =
        Mutation.newBuilder()
            .setFileSystem(LocalGroup.FILE_SYSTEM)
            .addEffects(
                Effect.newBuilder()
                    .setCommitBlocks(move(file, inode(file).getDataVersion(), 0, to)));
    long index = index();
    assertThat(
            local
                .group()
                .propose(local.leadership(), WallClock.SYSTEM.now(), planned)
                .get(10, TimeUnit.SECONDS)
                .getKind())
        .isEqualTo(Outcome.Kind.CONFLICT);
    assertThat(index()).isEqualTo(index);
  }

  @Test
  void a_move_is_of_one_version_and_of_blocks_that_are_there() throws Exception {
    long file = fragmented();
    long version = inode(file).getDataVersion();
    BlockRange to = reserveToMove(file, 200, 1).getReserved(0);
    assertRefused(Refusal.CHANGED, () -> commit(move(file, version - 1, 0, to)));
    assertRefused(Refusal.BAD_REQUEST, () -> commit(move(file, version, 1, to)));
    assertRefused(Refusal.BAD_REQUEST, () -> commit(move(file, version, 0, to).clearBasedOn()));
    assertRefused(Refusal.BAD_REQUEST, () -> commit(move(file, version, 0, to).setLength(1)));
    assertThat(inode(file).getDataVersion()).isEqualTo(version);
  }

  @Test
  void blocks_to_move_to_come_in_few_ranges_or_not_at_all() throws Exception {
    use(new MemoryBlockGroups(1, 1000));
    long file = create("f");
    List<BlockRange> all = reserve(file, 1000, 1000).getReservedList();
    assertThat(all).hasSize(1);
    long first = all.get(0).getAddress();
    for (int i = 0; i < 5; i++) {
      giveBack(List.of(range(first + i * 200, 100))); // free: five pieces of 100
    }
    long index = index();
    assertRefused(Refusal.ENOSPC, () -> reserveToMove(file, 150, 1));
    assertRefused(Refusal.ENOSPC, () -> reserveToMove(file, 250, 2));
    assertThat(index()).isEqualTo(index);
    assertThat(free()).isEqualTo(500);
    assertThat(reserveToMove(file, 150, 2).getReservedList()).hasSize(2);
    assertThat(free()).isEqualTo(350);
  }

  @Test
  void block_groups_are_got_once_for_a_long_range_and_not_all_of_them() throws Exception {
    use(new MemoryBlockGroups(1000, 100));
    long file = create("f");
    assertRefused(Refusal.ENOSPC, () -> reserveToMove(file, 101, 1));
    assertThat(coordinator.questions).isEqualTo(1);
    assertThat(reserveToMove(file, 100, 1).getReservedList()).hasSize(1);
  }
}

package io.curvefs.client.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.PagePool;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.staging.Journal;
import io.curvefs.client.staging.StagedBlock;
import io.curvefs.client.testing.LossySegments;
import io.curvefs.id.InodeId;
import io.curvefs.objectstore.ListPage;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.ObjectStoreMetrics;
import io.curvefs.proto.Extent;
import io.curvefs.proto.FileType;
import io.curvefs.proto.SetAttributes;
import io.curvefs.proto.Timestamp;
import io.curvefs.time.WallClock;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Uploads from a journal to a bucket whose puts end when the test says so. */
@Timeout(60)
class StagedUploadsTest {
  private static final InodeId INODE = new InodeId(5);
  private static final int UNDER_WAY_MAX = 64;
  private static final WallClock CLOCK = () -> Timestamp.newBuilder().setSeconds(7).build();

  private final LossySegments segments = new LossySegments();
  private final HeldPuts objects = new HeldPuts();
  private final HandTimer timer = new HandTimer();
  private final BlockingQueue<Runnable> background = new LinkedBlockingQueue<>();
  private Journal journal;
  private StagedUploads uploads;
  private FileStore store;
  private WriteState state;
  private FileCommits commits;

  /** Puts that wait for the test. */
  private static final class HeldPuts implements ObjectStore {
    record Put(String key, CompletableFuture<Void> end) {}

    final BlockingQueue<Put> puts = new LinkedBlockingQueue<>();

    Put await() throws InterruptedException {
      Put put = puts.poll(10, TimeUnit.SECONDS);
      assertThat(put).as("a put").isNotNull();
      return put;
    }

    @Override
    public CompletableFuture<Void> put(String key, List<ByteBuffer> body) {
      Put put = new Put(key, new CompletableFuture<>());
      puts.add(put);
      return put.end;
    }

    @Override
    public void get(String key, int objectLength, int offset, int length, List<ByteBuffer> into) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void delete(Collection<String> keys) {}

    @Override
    public ListPage list(String prefix, String startAfter, int limit) {
      throw new UnsupportedOperationException();
    }

    @Override
    public ObjectStoreMetrics metrics() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
  }

  /** Time that passes by hand. */
  private static final class HandTimer extends ScheduledThreadPoolExecutor {
    final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();

    HandTimer() {
      super(1);
    }

    @Override
    public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
      tasks.add(task);
      return null;
    }
  }

  @BeforeEach
  void open() throws IOException {
    journal = Journal.open(segments, new UUID(1, 2), 64 << 20, true, CLOCK, new Random(1));
    uploads =
        new StagedUploads(
            journal,
            objects,
            new PagePool(32 << 20),
            id -> Long.toString(id.slice()),
            CLOCK,
            Duration.ofSeconds(30),
            timer,
            background::add,
            inode -> {});
    store = new FileStore(null, objects, null, null, null, "uuid", CLOCK, background::add, uploads);
    state = new WriteState(store, INODE, new ChunkMap(null, INODE, null));
    commits = new FileCommits(store, INODE, null, state);
  }

  @AfterEach
  void close() throws IOException {
    uploads.close();
    journal.close();
    timer.shutdownNow();
  }

  /** A block of {@link #INODE} that is safe in the journal, and not handed on. */
  private PendingBlock staged(long slice) {
    byte[] bytes = {1, 2, 3, (byte) slice};
    BlockId id = new BlockId(slice, 0, bytes.length);
    List<Extent> extents =
        List.of(
            Extent.newBuilder()
                .setLength(bytes.length)
                .setSlice(slice)
                .setSliceLength(bytes.length)
                .build());
    CompletableFuture<Void> safe = new CompletableFuture<>();
    long sequence =
        journal
            .append(
                new Journal.NewBlock(INODE, id, 0, extents, bytes.length, CLOCK.now()),
                List.of(ByteBuffer.wrap(bytes)),
                failure -> safe.complete(null))
            .orElseThrow();
    safe.join();
    PendingBlock block =
        PendingBlock.inJournal(
            new StagedBlock(
                journal.writer(),
                sequence,
                INODE,
                id,
                0,
                extents,
                bytes.length,
                CLOCK.now(),
                CLOCK.now()));
    synchronized (state) {
      state.pending.add(block);
    }
    return block;
  }

  private static void fail(HeldPuts.Put put) {
    put.end().completeExceptionally(new IOException("injected"));
  }

  @Test
  void a_block_with_a_new_name_is_uploaded_although_the_old_one_was_to_be_tried_again()
      throws Exception {
    PendingBlock old = staged(1);
    uploads.add(commits, old);
    fail(objects.await());
    Runnable again = timer.tasks.take();
    Map<Long, HeldPuts.Put> underWay = new HashMap<>();
    for (long slice = 2; slice < 2 + UNDER_WAY_MAX; slice++) {
      uploads.add(commits, staged(slice));
      underWay.put(slice, objects.await());
    }
    PendingBlock renamed = old.renamed(100);
    synchronized (state) {
      state.pending.replace(Map.of(old, renamed));
    }
    journal.rename(renamed.sequence, renamed.id, renamed.extents);
    uploads.add(commits, renamed);
    again.run();
    underWay.values().forEach(put -> put.end().complete(null));
    assertThat(objects.await().key()).isEqualTo("100");
  }

  @Test
  void that_a_file_cannot_be_committed_is_told_although_others_are_uploaded() throws Exception {
    uploads.commitFailed(INODE, new IOException("no such shard"));
    PendingBlock block = staged(1);
    uploads.add(commits, block);
    objects.await().end().complete(null);
    synchronized (state) {
      while (!block.uploaded) {
        state.wait();
      }
    }
    assertThat(uploads.usage().failure()).contains("committing inode 5", "no such shard");
  }

  @Test
  void bytes_that_the_journals_disk_has_changed_are_told_of_with_file_block_and_remedy()
      throws Exception {
    PendingBlock block = staged(1);
    segments.flip(1, segments.bytes(1).length - 1);
    uploads.add(commits, block);
    timer.tasks.take();
    assertThat(uploads.usage().failure())
        .contains("inode 5", "block " + block.id, "damaged", "-inum 5", "write it anew");
    assertThat(objects.puts).isEmpty();
  }

  @Test
  void what_is_uploaded_while_the_file_is_emptied_is_committed_afterwards() throws Exception {
    staged(1);
    new OrderedChanges(store, INODE, state, commits)
        .empty(
            SetAttributes.newBuilder(),
            () -> {
              commits.uploadedFromJournal(staged(2), true);
              return new Attributes(
                  INODE,
                  FileType.REGULAR,
                  0644,
                  0,
                  0,
                  1,
                  0,
                  0,
                  0,
                  0,
                  0,
                  0,
                  0,
                  0,
                  null,
                  0,
                  0,
                  0,
                  0,
                  "");
            });
    assertThat(background).as("commits that were begun").hasSize(1);
  }

  @Test
  void what_is_uploaded_while_a_commit_is_in_doubt_is_committed_afterwards() throws Exception {
    synchronized (state) {
      state.unsure = true;
    }
    commits.uploadedFromJournal(staged(1), true);
    assertThat(background).as("commits that were begun in doubt").isEmpty();
    commits.settled(Map.of(), 0);
    assertThat(background).as("commits that were begun").hasSize(1);
  }

  @Test
  void who_waits_for_its_turn_is_stuck_only_when_nothing_of_any_file_is_uploaded() {
    PendingBlock block = staged(1);
    long longAgo = System.nanoTime() - TimeUnit.HOURS.toNanos(1);
    synchronized (state) {
      assertThat(state.stuckAt(longAgo) - System.nanoTime()).isPositive();
      block.uploadFailed = true;
      assertThat(state.stuckAt(longAgo)).as("has had its turn").isEqualTo(longAgo);
      block.uploadFailed = false;
      block.uploaded = true;
      assertThat(state.stuckAt(longAgo)).as("uploaded").isEqualTo(longAgo);
      block.uploaded = false;
      state.committing = true;
      assertThat(state.stuckAt(longAgo)).as("waits for a metaserver").isEqualTo(longAgo);
    }
  }

  @Test
  void only_blocks_whose_slices_were_sent_get_new_names() {
    PendingBlock sent = staged(1);
    sent.sent = true;
    PendingBlock sameSlice =
        new PendingBlock(
            new BlockId(1, 1, 4), 0, sent.extents, 4, Timestamp.getDefaultInstance(), null);
    PendingBlock unsent = staged(2);
    assertThat(Settlement.inDoubt(List.of(sent, sameSlice, unsent)))
        .containsExactly(sent, sameSlice);
  }
}

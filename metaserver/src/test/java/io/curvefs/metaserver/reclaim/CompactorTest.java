package io.curvefs.metaserver.reclaim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.id.SliceId;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.testing.LocalGroup;
import io.curvefs.objectstore.ListPage;
import io.curvefs.objectstore.ObjectKeys;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.ObjectStoreMetrics;
import io.curvefs.objectstore.testing.MemoryObjectStore;
import io.curvefs.proto.Chunk;
import io.curvefs.proto.ChunkExtents;
import io.curvefs.proto.CommitExtents;
import io.curvefs.proto.Effect;
import io.curvefs.proto.Extent;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.FileType;
import io.curvefs.proto.Inode;
import io.curvefs.proto.InsertInode;
import io.curvefs.proto.SetAttributes;
import io.curvefs.slice.BlockSet;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class CompactorTest {
  private static final FileSystem FILE_SYSTEM =
      FileSystem.newBuilder()
          .setId(LocalGroup.FILE_SYSTEM)
          .setUuid("00000000-0000-4000-8000-000000000001")
          .build();
  private static final InodeId FILE = new InodeId(2);
  private static final int LENGTH = 10;

  @TempDir Path directory;
  private LocalGroup local;
  private final MemoryObjectStore bucket = new MemoryObjectStore();

  /** What happens when the compactor has written an object. */
  private interface Interruption {
    void run() throws Exception;
  }

  private Interruption whenWritten = () -> {};

  private final ObjectStore interrupted =
      new ObjectStore() {
        @Override
        public CompletableFuture<Void> put(String key, List<ByteBuffer> body) {
          CompletableFuture<Void> put = bucket.put(key, body);
          try {
            whenWritten.run();
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
          return put;
        }

        @Override
        public void get(String key, int objectLength, int offset, int length, List<ByteBuffer> into)
            throws ObjectStoreException {
          bucket.get(key, objectLength, offset, length, into);
        }

        @Override
        public void delete(Collection<String> keys) throws ObjectStoreException {
          bucket.delete(keys);
        }

        @Override
        public ListPage list(String prefix, String startAfter, int limit)
            throws ObjectStoreException {
          return bucket.list(prefix, startAfter, limit);
        }

        @Override
        public ObjectStoreMetrics metrics() {
          return bucket.metrics();
        }

        @Override
        public void close() {
          bucket.close();
        }
      };

  @BeforeEach
  void start() throws Exception {
    local = new LocalGroup(directory);
    local.apply(
        Effect.newBuilder()
            .setInsertInode(
                InsertInode.newBuilder()
                    .setInode(
                        Inode.newBuilder()
                            .setId(FILE.value())
                            .setType(FileType.REGULAR)
                            .setNlink(1))));
    for (int i = 0; i < Compactor.EXTENTS_MIN; i++) {
      commit(i);
    }
  }

  @AfterEach
  void stop() {
    local.close();
  }

  /** Writes the n-th ten bytes of the file, as a client does. */
  private void commit(int n) throws Exception {
    long slice = SliceId.of(new SessionId(1), n + 1).value();
    byte[] bytes = new byte[LENGTH];
    bytes[0] = (byte) n;
    bucket.put(
        ObjectKeys.block(FILE_SYSTEM.getUuid(), slice, 0, LENGTH), List.of(ByteBuffer.wrap(bytes)));
    local.apply(
        Effect.newBuilder()
            .setCommitExtents(
                CommitExtents.newBuilder()
                    .setInode(FILE.value())
                    .setLength((n + 1L) * LENGTH)
                    .addChunks(
                        ChunkExtents.newBuilder()
                            .addExtents(
                                Extent.newBuilder()
                                    .setChunkOffset(n * LENGTH)
                                    .setLength(LENGTH)
                                    .setSlice(slice)
                                    .setSliceLength(LENGTH)))));
  }

  private void truncate(int length) throws Exception {
    local.apply(
        Effect.newBuilder()
            .setSetAttributes(SetAttributes.newBuilder().setInode(FILE.value()).setLength(length)));
  }

  private void compact() throws IOException {
    new Compactor(fileSystem -> interrupted)
        .compact(
            local.group(),
            local.leadership(),
            FILE_SYSTEM,
            new Leadership.TouchedChunk(LocalGroup.FILE_SYSTEM, FILE, 0));
  }

  private void collect() throws IOException {
    new GarbageCollector(fileSystem -> bucket)
        .collect(local.group(), local.leadership(), FILE_SYSTEM);
  }

  private Chunk chunk() {
    return new Namespace(local.group().rows(), LocalGroup.FILE_SYSTEM).chunk(FILE, 0);
  }

  /** The objects that the file refers to. */
  private Set<String> inUse() {
    Set<String> keys = new HashSet<>();
    BlockSet.of(chunk().getExtentsList())
        .forEach(
            (slice, block, length) ->
                keys.add(ObjectKeys.block(FILE_SYSTEM.getUuid(), slice, block, length)));
    return keys;
  }

  private List<Long> garbageNumbers() {
    List<Long> numbers = new ArrayList<>();
    local
        .group()
        .rows()
        .scan(Keys.garbage(LocalGroup.FILE_SYSTEM), null, 100)
        .forEach(row -> numbers.add(Keys.garbageNumberOf(row.key())));
    return numbers;
  }

  @Test
  void many_extents_become_one_and_their_objects_go() throws Exception {
    compact();
    collect();

    assertThat(chunk().getExtentsList())
        .extracting(Extent::getLength)
        .containsExactly(Compactor.EXTENTS_MIN * LENGTH);
    assertThat(bucket.keys()).isEqualTo(inUse()).hasSize(1);
    byte[] bytes = bucket.bytes(bucket.keys().iterator().next());
    for (int i = 0; i < Compactor.EXTENTS_MIN; i++) {
      assertThat(bytes[i * LENGTH]).isEqualTo((byte) i);
    }
  }

  @Test
  void what_was_written_for_a_chunk_that_has_changed_meanwhile_is_collected() throws Exception {
    whenWritten = () -> truncate(5);
    compact();
    assertThat(bucket.keys()).as("also the new one").hasSize(Compactor.EXTENTS_MIN + 1);
    collect();

    assertThat(chunk().getExtentsCount()).isEqualTo(1);
    assertThat(bucket.keys()).isEqualTo(inUse()).hasSize(1);
  }

  @Test
  void what_a_leader_wrote_that_died_is_collected_by_the_next() throws Exception {
    Set<String> before = bucket.keys();
    whenWritten =
        () -> {
          throw new IllegalStateException("dies");
        };
    assertThatThrownBy(this::compact).isInstanceOf(IllegalStateException.class);
    assertThat(bucket.keys()).hasSize(before.size() + 1);
    local.restart();
    collect();

    assertThat(bucket.keys()).isEqualTo(before);
  }

  @Test
  void a_leader_that_is_none_any_more_neither_writes_nor_replaces() throws Exception {
    Leadership old = local.leadership();
    local.restart();

    assertThatThrownBy(
            () ->
                new Compactor(fileSystem -> interrupted)
                    .compact(
                        local.group(),
                        old,
                        FILE_SYSTEM,
                        new Leadership.TouchedChunk(LocalGroup.FILE_SYSTEM, FILE, 0)))
        .isInstanceOf(IOException.class);
    assertThat(bucket.keys()).hasSize(Compactor.EXTENTS_MIN);
  }

  /** The collector runs while the compactor is between writing and replacing. */
  @Test
  void what_may_yet_come_into_use_is_not_collected() throws Exception {
    whenWritten = this::collect;
    compact();

    assertThat(bucket.keys()).containsAll(inUse());
    assertThat(chunk().getExtentsCount()).isEqualTo(1);
  }

  @Test
  void what_is_unsettled_is_left_to_the_next_term() throws Exception {
    truncate(5);
    for (long number : garbageNumbers()) {
      assertThat(local.leadership().unsettled(number)).isTrue();
    }
    collect();
    assertThat(bucket.keys()).hasSize(Compactor.EXTENTS_MIN);

    local.restart();
    collect();
    assertThat(bucket.keys()).isEqualTo(inUse()).hasSize(1);
  }
}

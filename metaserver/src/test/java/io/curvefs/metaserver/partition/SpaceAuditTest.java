package io.curvefs.metaserver.partition;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.metaserver.testing.MemoryRows;
import io.curvefs.proto.BlockCount;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.Chunk;
import io.curvefs.proto.HeldBlockGroup;
import io.curvefs.proto.Inode;
import io.curvefs.proto.SpaceCheck;
import io.curvefs.space.bitmap.Bitmap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rows with one damage each, which must be found and named. */
class SpaceAuditTest {
  private static final int FS = 1;
  private static final long GROUP = 1L << 48;

  private final MemoryRows rows = new MemoryRows();

  /** A file of ten blocks from the first on, and two reserved ones behind it. */
  @BeforeEach
  void fill() {
    put(
        Keys.heldBlockGroup(FS, GROUP),
        HeldBlockGroup.newBuilder()
            .setBlocks(100)
            .setUsed(12)
            .setReserved(2)
            .build()
            .toByteArray());
    setBits(12);
    put(
        Keys.inode(FS, 7),
        Inode.newBuilder().setId(7).setAllocated(10 * 4096).build().toByteArray());
    putChunk(7, GROUP, 10);
    put(Keys.reservation(FS, 3, GROUP + 10), count(2));
  }

  private void put(byte[] key, byte[] value) {
    WriteSet changes = new WriteSet(rows);
    changes.put(key, value);
    rows.write(changes);
  }

  private void setBits(int count) {
    byte[] segment = new byte[Bitmap.SEGMENT_BYTES];
    assertThat(Bitmap.over(segment).set(0, count)).isEqualTo(Bitmap.DONE);
    put(Keys.bitmapSegment(FS, GROUP), segment);
  }

  private void putChunk(long inode, long address, int count) {
    put(
        Keys.chunk(FS, inode, 0),
        Chunk.newBuilder()
            .addBlocks(BlockExtent.newBuilder().setAddress(address).setCount(count))
            .build()
            .toByteArray());
  }

  private static byte[] count(int blocks) {
    return BlockCount.newBuilder().setCount(blocks).build().toByteArray();
  }

  private SpaceCheck check() {
    return SpaceAudit.check(rows, FS);
  }

  @Test
  void sound_rows_have_no_problem() {
    assertThat(check().getProblemsList()).isEmpty();
    assertThat(check().getSet()).isEqualTo(12);
  }

  @Test
  void a_bit_that_nobody_owns_is_leaked() {
    setBits(13);

    assertThat(check().getLeaked()).isEqualTo(1);
    assertThat(check().getProblemsList()).anyMatch(text -> text.contains("1:12+1"));
  }

  @Test
  void a_clear_bit_of_a_file_is_unmarked() {
    setBits(11);

    assertThat(check().getUnmarked()).isEqualTo(1);
    assertThat(check().getLeaked()).isZero();
  }

  @Test
  void a_block_of_a_file_that_is_reserved_as_well_is_doubly_owned() {
    put(Keys.reservation(FS, 4, GROUP + 8), count(2));

    assertThat(check().getDoublyOwned()).isEqualTo(2);
    assertThat(check().getProblemsList())
        .anyMatch(text -> text.contains("session 4") && text.contains("1:8+2"));
  }

  @Test
  void blocks_of_a_block_group_that_is_not_held_are_unmarked() {
    putChunk(7, GROUP + (1 << 20), 10);

    assertThat(check().getUnmarked()).isEqualTo(10);
    assertThat(check().getLeaked()).isEqualTo(10);
    assertThat(check().getProblemsList()).anyMatch(text -> text.contains("inode 7"));
  }

  @Test
  void chunks_of_an_inode_that_does_not_exist_are_leaked() {
    WriteSet changes = new WriteSet(rows);
    changes.delete(Keys.inode(FS, 7));
    rows.write(changes);

    assertThat(check().getLeaked()).isEqualTo(10);
    assertThat(check().getProblemsList()).anyMatch(text -> text.contains("inode 7"));
  }

  @Test
  void wrong_counters_are_named() {
    put(
        Keys.heldBlockGroup(FS, GROUP),
        HeldBlockGroup.newBuilder()
            .setBlocks(100)
            .setUsed(12)
            .setReserved(3)
            .build()
            .toByteArray());
    put(Keys.inode(FS, 7), Inode.newBuilder().setId(7).setAllocated(5).build().toByteArray());

    assertThat(check().getProblemsList()).hasSize(2);
  }
}

package io.curvefs.client.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockId;
import io.curvefs.client.staging.StagedBlock;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Chunk;
import io.curvefs.proto.Extent;
import io.curvefs.proto.IndexedChunk;
import io.curvefs.proto.Inode;
import io.curvefs.proto.JournalMark;
import io.curvefs.proto.ReadReply;
import io.curvefs.proto.StagedBlocks;
import io.curvefs.proto.Timestamp;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SettlementTest {
  private static final int LENGTH = 10;
  private static final Timestamp NOW = Timestamp.newBuilder().setSeconds(7).build();

  private final List<JournalMark> marks = new ArrayList<>();
  private final List<Extent> shown = new ArrayList<>();
  private final List<Integer> asked = new ArrayList<>();

  private static Extent extent(long slice) {
    return Extent.newBuilder().setLength(LENGTH).setSlice(slice).setSliceLength(LENGTH).build();
  }

  /** A block whose slice is numbered as it is, in a chunk of its own. */
  private static PendingBlock block(long writer, long sequence) {
    return PendingBlock.inJournal(
        new StagedBlock(
            writer,
            sequence,
            new InodeId(5),
            new BlockId(sequence, 0, LENGTH),
            (int) sequence,
            List.of(extent(sequence)),
            LENGTH,
            NOW,
            NOW));
  }

  private void mark(long writer, long sequence) {
    marks.add(JournalMark.newBuilder().setWriter(writer).setSequence(sequence).build());
  }

  private int committed(PendingBlock... blocks) throws RefusedException {
    return Settlement.committed(
        List.of(blocks),
        chunk -> {
          asked.add(chunk);
          return ReadReply.newBuilder()
              .addInodes(Inode.newBuilder().setId(5).addAllJournalMarks(marks))
              .addChunks(
                  IndexedChunk.newBuilder()
                      .setIndex(chunk)
                      .setChunk(Chunk.newBuilder().addAllExtents(shown)))
              .build();
        });
  }

  @Test
  void the_mark_says_which_blocks_are_committed_whatever_the_file_shows() throws Exception {
    mark(3, 6);
    shown.add(extent(8)); // of a block that a mark says is not committed
    assertThat(committed(block(3, 2), block(3, 6), block(3, 8))).isEqualTo(2);
    assertThat(asked).as("chunks that were asked for").containsExactly(2);
  }

  @Test
  void a_block_of_a_later_mount_stands_for_those_before_it() throws Exception {
    mark(4, 5);
    assertThat(committed(block(3, 2), block(0, 3), block(4, 5), block(4, 6))).isEqualTo(3);
  }

  @Test
  void without_a_mark_blocks_are_looked_for_by_their_slices() throws Exception {
    mark(9, 100);
    shown.add(extent(3));
    assertThat(committed(block(4, 2), block(4, 3), block(4, 5))).isEqualTo(2);
  }

  @Test
  void a_block_without_a_writer_is_told_by_its_slice_alone() throws Exception {
    mark(1, 100);
    assertThat(committed(block(0, 2))).isZero();
    shown.add(extent(2));
    assertThat(committed(block(0, 2))).isEqualTo(1);
  }

  @Test
  void a_commit_says_of_each_journal_what_is_done_with_it() {
    PendingBlock past = block(4, 9);
    past.sequence = 0; // the journal's disk failed, and it went through from memory
    assertThat(PendingBlocks.staged(List.of(block(0, 1), block(3, 2), block(3, 6), block(4, 7))))
        .containsExactly(staged(3, 2, 6), staged(4, 7, 7));
    assertThat(PendingBlocks.staged(List.of(past))).containsExactly(staged(4, 0, 9));
  }

  private static StagedBlocks staged(long writer, long first, long last) {
    return StagedBlocks.newBuilder().setWriter(writer).setFirst(first).setLast(last).build();
  }
}

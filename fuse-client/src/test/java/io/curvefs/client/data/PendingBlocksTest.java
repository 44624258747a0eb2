package io.curvefs.client.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.BlockId;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Extent;
import io.curvefs.proto.Timestamp;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PendingBlocksTest {
  /** What a metaserver takes of one request is more, but not very much. */
  private static final int REQUEST_BYTES = 16 << 20;

  private final PendingBlocks blocks = new PendingBlocks();

  private static PendingBlock block(long sequence, int extents) {
    List<Extent> all = new ArrayList<>();
    for (int i = 0; i < extents; i++) {
      all.add(
          Extent.newBuilder()
              .setChunkOffset(1_000_000 + 2 * i)
              .setLength(1)
              .setSlice(1L << 40)
              .setSliceOffset(i)
              .setSliceLength(extents)
              .build());
    }
    PendingBlock block =
        new PendingBlock(
            new BlockId(1L << 40, 0, extents), 0, all, 1, Timestamp.getDefaultInstance(), null);
    block.sequence = sequence;
    block.uploaded = true;
    return block;
  }

  @Test
  void a_block_that_goes_through_is_seen_also_when_one_in_the_journal_follows() {
    blocks.add(block(1, 1));
    assertThat(blocks.hasGoingThrough()).isFalse();
    blocks.add(block(0, 1));
    blocks.add(block(2, 1));
    assertThat(blocks.hasGoingThrough()).isTrue();
    assertThat(blocks.mayGoOnInJournal()).isFalse();
  }

  @Test
  void many_extents_are_committed_in_several_requests() {
    int committed = 0;
    for (int i = 1; i <= 40; i++) {
      blocks.add(block(i, 50_000));
    }
    while (!blocks.isEmpty()) {
      List<PendingBlock> some = blocks.committable();
      assertThat(some).isNotEmpty();
      assertThat(PendingBlocks.commit(new InodeId(5), some).build().getSerializedSize())
          .isLessThan(REQUEST_BYTES);
      blocks.removeAll(some);
      committed += some.size();
    }
    assertThat(committed).isEqualTo(40);
  }
}

package io.curvefs.client.defrag;

import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.volume.Pieces;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.FileChunks;
import io.curvefs.proto.IndexedChunk;
import io.curvefs.proto.ReadReply;
import io.curvefs.slice.Layout;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How the blocks of a file lie.
 *
 * @param pieces that do not go on where the one before ends, over all of the file
 * @param fragmented indexes of the chunks that lie in more than one piece
 * @param blocksToMove of these
 */
record FileLayout(long blocks, long pieces, List<Integer> fragmented, long blocksToMove) {
  /** Chunks of each file that come with the first answer: files of up to 256 MiB are whole. */
  private static final int FIRST_CHUNKS = 4;

  /** Chunks of a large file that are asked for at once: 4 GiB of it. */
  private static final int CHUNKS_PER_REQUEST = 64;

  static final FileLayout NOTHING = new FileLayout(0, 0, List.of(), 0);

  FileLayout {
    fragmented = List.copyOf(fragmented);
  }

  /** Of those of the files that exist: one request for each group, and more for long files. */
  static Map<InodeId, FileLayout> of(NamespaceClient namespace, Collection<InodeId> inodes)
      throws RefusedException {
    Map<InodeId, FileLayout> layouts = new HashMap<>();
    for (FileChunks file : namespace.files(inodes, FIRST_CHUNKS)) {
      InodeId inode = new InodeId(file.getInode().getId());
      Sum sum = new Sum();
      file.getChunksList().forEach(sum::add);
      long chunks = Layout.chunkCount(file.getInode().getLength());
      for (int next = file.getChunksKnown(); next < chunks; next += CHUNKS_PER_REQUEST) {
        ReadReply more = namespace.meta().chunks(inode, next, CHUNKS_PER_REQUEST);
        more.getChunksList().forEach(sum::add);
      }
      layouts.put(inode, sum.layout());
    }
    return layouts;
  }

  private static final class Sum {
    private final Pieces all = new Pieces();
    private final List<Integer> fragmented = new ArrayList<>();
    private long blocksToMove;

    void add(IndexedChunk chunk) {
      Pieces pieces = new Pieces();
      pieces.add(chunk.getChunk().getBlocksList());
      all.add(chunk.getChunk().getBlocksList());
      if (pieces.count() > 1) {
        fragmented.add(chunk.getIndex());
        blocksToMove += pieces.blocks();
      }
    }

    FileLayout layout() {
      return new FileLayout(all.blocks(), all.count(), fragmented, blocksToMove);
    }
  }
}

package io.curvefs.client.data;

import io.curvefs.cache.BlockId;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Extent;
import io.curvefs.proto.FileChunks;
import io.curvefs.proto.IndexedChunk;
import io.curvefs.proto.Inode;
import io.curvefs.proto.ReadReply;
import io.curvefs.slice.BlockSet;
import io.curvefs.slice.Layout;
import io.curvefs.slice.Overlay;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * Which blocks committed files consist of, for who moves whole files. Nothing is held open: the
 * blocks may be gone by the time they are asked for. Thread-safe.
 */
public final class BlockLists {
  /** Chunks of each file that come with the first answer: files of up to 256 MiB are whole. */
  private static final int FIRST_CHUNKS = 4;

  /** Chunks of a large file that are asked for at once: 4 GiB of it. */
  private static final int CHUNKS_PER_REQUEST = 64;

  private final NamespaceClient namespace;

  public BlockLists(NamespaceClient namespace) {
    this.namespace = namespace;
  }

  /** Which chunks are asked about. */
  @FunctionalInterface
  public interface ChunkFilter {
    boolean wants(InodeId inode, int chunk);
  }

  /**
   * Some blocks of a file, read at one moment.
   *
   * @param length of the file in bytes
   * @param dataVersion of the file; parts of different versions do not belong together
   * @param blocks that a reader of these chunks needs, each once
   * @param chunksBehind the first chunk that comes after this part
   */
  public record FilePart(
      InodeId inode, long length, long dataVersion, List<BlockId> blocks, int chunksBehind) {
    public FilePart {
      blocks = List.copyOf(blocks);
    }

    /** Whether the file ends with this part. */
    public boolean isLast() {
      return chunksBehind >= Layout.chunkCount(length);
    }
  }

  /** The first part of each of the files that still exist: one request for each group, mostly. */
  public List<FilePart> firstParts(Collection<InodeId> inodes, ChunkFilter filter)
      throws RefusedException {
    List<FilePart> parts = new ArrayList<>();
    for (FileChunks file : namespace.files(inodes, FIRST_CHUNKS)) {
      parts.add(part(file.getInode(), file.getChunksList(), file.getChunksKnown(), filter));
    }
    return parts;
  }

  /**
   * The part that begins with a chunk.
   *
   * @throws RefusedException ENOENT when the file is gone
   */
  public FilePart partFrom(InodeId inode, int chunk, ChunkFilter filter) throws RefusedException {
    ReadReply reply = namespace.meta().chunks(inode, chunk, CHUNKS_PER_REQUEST);
    return part(reply.getInodes(0), reply.getChunksList(), chunk + CHUNKS_PER_REQUEST, filter);
  }

  private static FilePart part(
      Inode inode, List<IndexedChunk> chunks, int behind, ChunkFilter filter) {
    InodeId id = new InodeId(inode.getId());
    List<BlockId> blocks = new ArrayList<>();
    for (IndexedChunk chunk : chunks) {
      if (filter.wants(id, chunk.getIndex())) {
        List<Extent> visible = Overlay.of(chunk.getChunk().getExtentsList()).flattened();
        BlockSet.of(visible)
            .forEach((slice, block, length) -> blocks.add(new BlockId(slice, block, length)));
      }
    }
    return new FilePart(id, inode.getLength(), inode.getDataVersion(), blocks, behind);
  }
}

package io.curvefs.metaserver.partition;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View;
import io.curvefs.proto.Chunk;
import io.curvefs.proto.ChunkBlocks;
import io.curvefs.proto.Dentry;
import io.curvefs.proto.Inode;
import io.curvefs.proto.Partition;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The rows of one file system in one group, typed. As thread-safe as the view below it. */
public final class Namespace {
  private final View view;
  private final int fileSystem;

  public Namespace(View view, int fileSystem) {
    this.view = view;
    this.fileSystem = fileSystem;
  }

  public @Nullable Inode inode(InodeId id) {
    return value(Keys.inode(fileSystem, id.value()), Inode.parser());
  }

  public @Nullable Dentry dentry(InodeId parent, ByteString name) {
    return value(Keys.dentry(fileSystem, parent.value(), name.toByteArray()), Dentry.parser());
  }

  /** One name of a directory. */
  public record Entry(ByteString name, Dentry dentry) {}

  /**
   * Names of a directory, in the order of their bytes.
   *
   * @param after only names behind this one; empty: from the first
   */
  public List<Entry> list(InodeId directory, ByteString after, int limit) {
    byte[] prefix = Keys.dentries(fileSystem, directory.value());
    byte[] behind =
        after.isEmpty() ? null : Keys.dentry(fileSystem, directory.value(), after.toByteArray());
    return view.scan(prefix, behind, limit).stream()
        .map(
            row ->
                new Entry(
                    ByteString.copyFrom(Keys.nameOf(row.key())),
                    parse(row.value(), Dentry.parser())))
        .toList();
  }

  /** The chunk's row; null: all of it is a hole. */
  public @Nullable Chunk chunk(InodeId inode, int index) {
    return value(Keys.chunk(fileSystem, inode.value(), index), Chunk.parser());
  }

  /** Whether a file has blocks in all these places of a chunk. */
  public boolean hasBlocks(InodeId inode, ChunkBlocks places) {
    Chunk chunk = chunk(inode, places.getIndex());
    return BlockMap.covers(
        chunk == null ? List.of() : chunk.getBlocksList(), places.getBlocksList());
  }

  /** One chunk of a file. */
  public record IndexedChunk(int index, Chunk chunk) {}

  /** The rows of a file's chunks from an index on, in order. */
  public List<IndexedChunk> chunksFrom(InodeId inode, int first, int limit) {
    byte[] prefix = Keys.chunks(fileSystem, inode.value());
    byte[] before = first == 0 ? null : Keys.chunk(fileSystem, inode.value(), first - 1);
    return view.scan(prefix, before, limit).stream()
        .map(
            row ->
                new IndexedChunk(Keys.chunkIndexOf(row.key()), parse(row.value(), Chunk.parser())))
        .toList();
  }

  public byte @Nullable [] xattr(InodeId inode, ByteString name) {
    return view.get(Keys.xattr(fileSystem, inode.value(), name.toByteArray()));
  }

  /** Most xattrs of one inode; their names together stay below what listxattr(2) can return. */
  public static final int XATTRS_MAX = 1024;

  public List<ByteString> xattrNames(InodeId inode) {
    return view.scan(Keys.xattrs(fileSystem, inode.value()), null, XATTRS_MAX).stream()
        .map(row -> ByteString.copyFrom(Keys.nameOf(row.key())))
        .toList();
  }

  public @Nullable Partition partition(int index) {
    return value(Keys.partition(fileSystem, index), Partition.parser());
  }

  private <T extends MessageLite> @Nullable T value(byte[] key, Parser<T> parser) {
    byte[] bytes = view.get(key);
    return bytes == null ? null : parse(bytes, parser);
  }

  /** Reads a stored value; one that cannot be read stops the replica. */
  public static <T extends MessageLite> T parse(byte[] bytes, Parser<T> parser) {
    try {
      return parser.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a stored row is damaged", e);
    }
  }
}

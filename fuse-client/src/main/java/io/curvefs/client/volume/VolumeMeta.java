package io.curvefs.client.volume;

import com.google.protobuf.ByteString;
import io.curvefs.client.meta.Attributes;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.proto.CommitBlocks;
import io.curvefs.proto.Discards;
import io.curvefs.proto.ReadReply;
import io.curvefs.space.BlockRange;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the data path asks of the metaservers. Thread-safe; every call ends within a bound. */
interface VolumeMeta {
  /** Chunk rows of a file, with the inode they belong to at that moment. */
  ReadReply chunks(InodeId inode, int first, int count) throws RefusedException;

  /** Attributes as last heard of, however old; null: never. */
  @Nullable Attributes lastSeen(InodeId inode);

  /** Attributes as they are now: one request. */
  Attributes attributes(InodeId inode) throws RefusedException;

  /** Where blocks of the file come from. */
  String poolSetOf(InodeId inode) throws RefusedException;

  /** The raft group that space for the file comes from; any number that stands for it. */
  int groupOf(InodeId inode) throws RefusedException;

  /**
   * Blocks that are the session's own until they are committed, given back, or its end.
   *
   * @param scarce the volumes are nearly full: what is not needed soon is to be given back
   */
  record Granted(SessionId session, List<BlockRange> ranges, boolean scarce) {}

  /**
   * Reserves blocks.
   *
   * @param poolSet where from
   * @param blocksMin of the wanted blocks so many must be had
   * @param behind address of the block behind which they are best; 0: anywhere
   * @throws RefusedException ENOSPC; SPACE_RESTS: worth another try within the quarantine
   */
  Granted reserve(InodeId inode, String poolSet, int blocks, int blocksMin, long behind)
      throws RefusedException;

  /**
   * Reserves blocks to move what a file has: all of them, in few ranges, or none.
   *
   * @param behind as above
   * @throws RefusedException EBUSY when somebody may have the file open; ENOSPC and SPACE_RESTS
   *     also when there are not so few ranges
   */
  Granted reserveToMove(InodeId inode, int blocks, int rangesMax, long behind)
      throws RefusedException;

  /** Gives reserved blocks back; nothing is written to them any more. */
  void giveBack(int group, SessionId session, List<BlockRange> ranges) throws RefusedException;

  /**
   * Makes written blocks part of a file.
   *
   * @param session whose reservations they are; null: none are needed
   */
  Attributes commit(CommitBlocks.Builder commit, @Nullable SessionId session)
      throws RefusedException;

  /**
   * Makes a hole of whole blocks of a file.
   *
   * @param first file offset / 4 KiB
   */
  Attributes punchHole(InodeId inode, long first, long count) throws RefusedException;

  /** Whether the session's lease surely runs now: what it has reserved is still its own. */
  boolean isCurrent(SessionId session);

  /** Numbers of the raft groups. */
  List<Integer> groups();

  /**
   * Freed blocks of a raft group, to be discarded within a quarter of the quarantine since before
   * this call.
   *
   * @param done keys of earlier answers: nothing of them is under way
   */
  Discards discards(int group, List<ByteString> done, int rangesMax) throws RefusedException;
}

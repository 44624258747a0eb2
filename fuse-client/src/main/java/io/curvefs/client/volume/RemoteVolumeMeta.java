package io.curvefs.client.volume;

import com.google.protobuf.ByteString;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.MetaClient;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.meta.SpaceClient;
import io.curvefs.error.RefusedException;
import io.curvefs.fault.FaultPoint;
import io.curvefs.id.GroupId;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.proto.CommitBlocks;
import io.curvefs.proto.Discards;
import io.curvefs.proto.PunchHole;
import io.curvefs.proto.ReadReply;
import io.curvefs.proto.Reserve;
import io.curvefs.space.BlockRange;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The metaservers of the mount. Thread-safe. */
final class RemoteVolumeMeta implements VolumeMeta {
  /** More ranges than that cost a reader more than a request costs the writer. */
  private static final int RANGES_MAX = 1 << 14;

  private final NamespaceClient namespace;
  private final MetaClient meta;
  private final SpaceClient space;

  RemoteVolumeMeta(NamespaceClient namespace) {
    this.namespace = namespace;
    this.meta = namespace.meta();
    this.space = meta.space();
  }

  @Override
  public ReadReply chunks(InodeId inode, int first, int count) throws RefusedException {
    return meta.chunks(inode, first, count);
  }

  @Override
  public @Nullable Attributes lastSeen(InodeId inode) {
    return namespace.lastSeen(inode);
  }

  @Override
  public Attributes attributes(InodeId inode) throws RefusedException {
    return namespace.freshAttributes(inode);
  }

  @Override
  public String poolSetOf(InodeId inode) throws RefusedException {
    Attributes last = namespace.lastSeen(inode);
    String own = (last != null ? last : namespace.attributes(inode)).poolSet();
    return own.isEmpty() ? meta.fileSystem().getVolumeStorage().getPoolSet() : own;
  }

  @Override
  public int groupOf(InodeId inode) throws RefusedException {
    return space.groupOf(inode).value();
  }

  @Override
  public Granted reserve(InodeId inode, String poolSet, int blocks, int blocksMin, long behind)
      throws RefusedException {
    return reserve(
        Reserve.newBuilder()
            .setInode(inode.value())
            .setBlocks(blocks)
            .setBlocksMin(blocksMin)
            .setBehind(behind)
            .setRangesMax(RANGES_MAX)
            .setPoolSet(poolSet));
  }

  @Override
  public Granted reserveToMove(InodeId inode, int blocks, int rangesMax, long behind)
      throws RefusedException {
    return reserve(
        Reserve.newBuilder()
            .setInode(inode.value())
            .setBlocks(blocks)
            .setBlocksMin(blocks)
            .setBehind(behind)
            .setRangesMax(rangesMax)
            .setMoving(true));
  }

  private Granted reserve(Reserve.Builder reserve) throws RefusedException {
    SpaceClient.Reserved reserved = space.reserve(reserve);
    FaultPoint.BLOCKS_RESERVED.reached();
    List<BlockRange> ranges =
        reserved.ranges().stream()
            .map(range -> new BlockRange(range.getAddress(), range.getCount()))
            .toList();
    return new Granted(reserved.session(), ranges, reserved.scarce());
  }

  @Override
  public void giveBack(int group, SessionId session, List<BlockRange> ranges)
      throws RefusedException {
    space.giveBack(
        new GroupId(group),
        session,
        ranges.stream()
            .map(
                range ->
                    io.curvefs.proto.BlockRange.newBuilder()
                        .setAddress(range.address())
                        .setCount(range.count())
                        .build())
            .toList());
    FaultPoint.BLOCKS_RETURNED.reached();
  }

  @Override
  public Attributes commit(CommitBlocks.Builder commit, @Nullable SessionId session)
      throws RefusedException {
    Attributes after = namespace.commit(commit, session);
    FaultPoint.BLOCKS_COMMITTED.reached();
    return after;
  }

  @Override
  public Attributes punchHole(InodeId inode, long first, long count) throws RefusedException {
    Attributes after =
        namespace.punchHole(
            PunchHole.newBuilder().setInode(inode.value()).setFirstBlock(first).setCount(count));
    FaultPoint.HOLE_PUNCHED.reached();
    return after;
  }

  @Override
  public boolean isCurrent(SessionId session) {
    return space.isCurrent(session);
  }

  @Override
  public List<Integer> groups() {
    return space.groups().stream().map(GroupId::value).toList();
  }

  @Override
  public Discards discards(int group, List<ByteString> done, int rangesMax)
      throws RefusedException {
    Discards discards = space.discards(new GroupId(group), done, rangesMax);
    if (discards.getHandedCount() > 0) {
      FaultPoint.DISCARDS_HANDED.reached();
    }
    return discards;
  }
}

package io.curvefs.client.meta;

import com.google.protobuf.ByteString;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.GroupId;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.proto.BlockRange;
import io.curvefs.proto.Discards;
import io.curvefs.proto.GetDiscards;
import io.curvefs.proto.MutateReply;
import io.curvefs.proto.MutateRequest;
import io.curvefs.proto.ReadRequest;
import io.curvefs.proto.Reserve;
import io.curvefs.proto.ReturnBlocks;
import java.util.List;

/** What mounts on volumes ask of the metaservers about blocks that are no file's. Thread-safe. */
public final class SpaceClient {
  private final MetaClient meta;
  private final Routes routes;
  private final OpenReporter reporter;
  private final OpenFiles openFiles;
  private final SessionKeeper sessions;

  SpaceClient(
      MetaClient meta,
      Routes routes,
      OpenReporter reporter,
      OpenFiles openFiles,
      SessionKeeper sessions) {
    this.meta = meta;
    this.routes = routes;
    this.reporter = reporter;
    this.openFiles = openFiles;
    this.sessions = sessions;
  }

  /** The group that an inode lives in, and its blocks come from. */
  public GroupId groupOf(InodeId inode) throws RefusedException {
    return routes.groupOf(inode);
  }

  /** All groups that blocks come from. */
  public List<GroupId> groups() {
    return List.copyOf(routes.groups());
  }

  /** Whether the session's lease surely runs now. */
  public boolean isCurrent(SessionId session) {
    return sessions.isCurrent(session);
  }

  /**
   * Blocks reserved by a session.
   *
   * @param scarce what is not needed soon is to be given back
   */
  public record Reserved(SessionId session, List<BlockRange> ranges, boolean scarce) {}

  /**
   * Reserves blocks.
   *
   * @throws RefusedException ENOSPC; SPACE_RESTS: worth another try, also because files that were
   *     closed and removed here are not known to be closed
   */
  public Reserved reserve(Reserve.Builder reserve) throws RefusedException {
    GroupId group = routes.groupOf(new InodeId(reserve.getInode()));
    reporter.used(group);
    try {
      return reserve(group, reserve);
    } catch (RefusedException e) {
      if (e.refusal() == Refusal.ENOSPC && openFiles.hasClosed()) {
        sessions.beatNow();
        throw new RefusedException(Refusal.SPACE_RESTS);
      }
      throw e;
    }
  }

  private Reserved reserve(GroupId group, Reserve.Builder reserve) throws RefusedException {
    return meta.inSession(
        session -> {
          MutateReply reply =
              meta.mutate(group, session, MutateRequest.newBuilder().setReserve(reserve));
          return new Reserved(session.id, reply.getReservedList(), reply.getScarce());
        });
  }

  /** Gives back blocks that a session has reserved; its end would do so too. */
  public void giveBack(GroupId group, SessionId owner, List<BlockRange> ranges)
      throws RefusedException {
    meta.inSession(
        session ->
            session.id.equals(owner)
                ? meta.mutate(
                    group,
                    session,
                    MutateRequest.newBuilder()
                        .setReturnBlocks(ReturnBlocks.newBuilder().addAllRanges(ranges)))
                : MutateReply.getDefaultInstance());
  }

  /**
   * Freed blocks of a group that are to be discarded on their volumes: within a quarter of the
   * quarantine since before this call, not later.
   *
   * @param done keys that this session was handed and has discarded, or is not going to
   */
  public Discards discards(GroupId group, List<ByteString> done, int rangesMax)
      throws RefusedException {
    return meta.inSession(
        session ->
            meta.read(
                    group,
                    ReadRequest.newBuilder()
                        .setGetDiscards(
                            GetDiscards.newBuilder().addAllDone(done).setRangesMax(rangesMax)),
                    session.id.value())
                .getDiscards());
  }
}

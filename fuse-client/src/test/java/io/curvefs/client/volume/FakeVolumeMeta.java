package io.curvefs.client.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import io.curvefs.client.meta.Attributes;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.Chunk;
import io.curvefs.proto.ChunkBlocks;
import io.curvefs.proto.CommitBlocks;
import io.curvefs.proto.Discard;
import io.curvefs.proto.Discards;
import io.curvefs.proto.FileType;
import io.curvefs.proto.IndexedChunk;
import io.curvefs.proto.Inode;
import io.curvefs.proto.ReadReply;
import io.curvefs.space.BlockRange;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Metaservers in memory: one group, one volume, space in a row. Thread-safe. */
final class FakeVolumeMeta implements VolumeMeta {
  static final long VOLUME = 1L << 48;

  @GuardedBy("this")
  private final Map<InodeId, Inode.Builder> inodes = new HashMap<>();

  @GuardedBy("this")
  private final Map<InodeId, Runs> blocks = new HashMap<>();

  @GuardedBy("this")
  private final Map<Long, SessionId> reserved = new TreeMap<>();

  @GuardedBy("this")
  private final Set<Long> givenBack = new HashSet<>();

  @GuardedBy("this")
  private final List<String> requests = new ArrayList<>();

  @GuardedBy("this")
  private final List<Discard> offered = new ArrayList<>();

  @GuardedBy("this")
  private final List<ByteString> done = new ArrayList<>();

  @GuardedBy("this")
  private SessionId session = new SessionId(1);

  @GuardedBy("this")
  private long next = 1;

  /** Of the last request for blocks to move to. */
  volatile long movedBehind = -1;

  /** Whether files may be open. */
  volatile boolean open;

  /** Runs before a move is committed. */
  volatile Runnable beforeMoved = () -> {};

  private final long last;

  /** Runs while chunks are asked for, behind the answer's moment. */
  volatile Runnable whileAnswering = () -> {};

  /** Runs while blocks to discard are handed out. */
  volatile Runnable whileHanding = () -> {};

  FakeVolumeMeta(long blocks) {
    this.last = blocks;
  }

  synchronized void create(InodeId inode) {
    inodes.put(
        inode, Inode.newBuilder().setId(inode.value()).setType(FileType.REGULAR).setDataVersion(1));
    blocks.put(inode, new Runs());
  }

  /** What another mount does. */
  synchronized void truncate(InodeId inode, long length) {
    Inode.Builder file = inodes.get(inode);
    if (length < file.getLength()) {
      blocks.get(inode).remove((length + 4095) / 4096, 1L << 40);
    }
    file.setLength(length).setDataVersion(file.getDataVersion() + 1);
  }

  /** A lease ends, and there is a new session. */
  synchronized void loseSession() {
    session = new SessionId(session.value() + 1);
  }

  synchronized List<String> takeRequests() {
    List<String> taken = List.copyOf(requests);
    requests.clear();
    return taken;
  }

  synchronized int reservedBlocks() {
    return reserved.size();
  }

  synchronized List<Run> blocksOf(InodeId inode) {
    return blocks.get(inode).all();
  }

  synchronized void offer(Discard discard) {
    offered.add(discard);
  }

  synchronized List<ByteString> done() {
    return List.copyOf(done);
  }

  @Override
  public ReadReply chunks(InodeId inode, int first, int count) {
    ReadReply.Builder reply = ReadReply.newBuilder();
    synchronized (this) {
      requests.add("CHUNKS");
      reply.addInodes(inodes.get(inode));
      for (int index = first; index < first + count; index++) {
        Chunk.Builder chunk = Chunk.newBuilder();
        long begin = (long) index * BlockMap.CHUNK_BLOCKS;
        for (Run run : blocks.get(inode).within(begin, begin + BlockMap.CHUNK_BLOCKS)) {
          if (!run.isHole()) {
            chunk.addBlocks(
                BlockExtent.newBuilder()
                    .setChunkBlock((int) (run.fileBlock() - begin))
                    .setCount(run.count())
                    .setAddress(run.address()));
          }
        }
        reply.addChunks(IndexedChunk.newBuilder().setIndex(index).setChunk(chunk));
      }
    }
    whileAnswering.run();
    return reply.build();
  }

  @Override
  public @Nullable Attributes lastSeen(InodeId inode) {
    return null;
  }

  @Override
  public synchronized Attributes attributes(InodeId inode) {
    return Attributes.of(inodes.get(inode).build());
  }

  @Override
  public int groupOf(InodeId inode) {
    return 1;
  }

  @Override
  public String poolSetOf(InodeId inode) {
    return "default";
  }

  @Override
  public synchronized Granted reserve(
      InodeId inode, String poolSet, int wanted, int wantedMin, long behind)
      throws RefusedException {
    requests.add("RESERVE");
    int count = (int) Math.min(wanted, last - next + 1);
    if (count < wantedMin) {
      throw new RefusedException(Refusal.ENOSPC);
    }
    if (count == 0) {
      return new Granted(session, List.of(), true);
    }
    BlockRange range = new BlockRange(VOLUME | next, count);
    next += count;
    for (long at = range.address(); at < range.address() + count; at++) {
      reserved.put(at, session);
    }
    return new Granted(session, List.of(range), false);
  }

  @Override
  public synchronized Granted reserveToMove(InodeId inode, int wanted, int rangesMax, long behind)
      throws RefusedException {
    movedBehind = behind;
    if (open) {
      throw new RefusedException(Refusal.EBUSY);
    }
    return reserve(inode, "default", wanted, wanted, behind);
  }

  @Override
  public synchronized void giveBack(int group, SessionId owner, List<BlockRange> ranges) {
    requests.add("GIVE_BACK");
    for (BlockRange range : ranges) {
      for (long at = range.address(); at < range.address() + range.count(); at++) {
        if (reserved.remove(at, owner) && !givenBack.add(at)) {
          throw new IllegalStateException("block " + at + " came back twice");
        }
      }
    }
  }

  @Override
  public Attributes commit(CommitBlocks.Builder commit, @Nullable SessionId owner)
      throws RefusedException {
    if (commit.getMoved()) {
      beforeMoved.run();
    }
    return committed(commit, owner);
  }

  private synchronized Attributes committed(CommitBlocks.Builder commit, @Nullable SessionId owner)
      throws RefusedException {
    requests.add("COMMIT");
    InodeId inode = new InodeId(commit.getInode());
    Inode.Builder file = inodes.get(inode);
    if (owner != null && !owner.equals(session)) {
      throw new RefusedException(Refusal.EIO);
    }
    if (commit.hasBasedOn() && commit.getBasedOn() != file.getDataVersion()) {
      throw new RefusedException(Refusal.CHANGED);
    }
    for (ChunkBlocks chunk : commit.getChunksList()) {
      for (BlockExtent extent : chunk.getBlocksList()) {
        for (long at = extent.getAddress(); at < extent.getAddress() + extent.getCount(); at++) {
          if (!session.equals(reserved.remove(at))) {
            throw new RefusedException(Refusal.NOT_RESERVED);
          }
        }
        blocks
            .get(inode)
            .put(
                new Run(
                    (long) chunk.getIndex() * BlockMap.CHUNK_BLOCKS + extent.getChunkBlock(),
                    extent.getCount(),
                    extent.getAddress()));
      }
    }
    file.setLength(Math.max(file.getLength(), commit.getLength()))
        .setDataVersion(file.getDataVersion() + 1);
    return Attributes.of(file.build());
  }

  @Override
  public synchronized Attributes punchHole(InodeId inode, long first, long count) {
    requests.add("PUNCH");
    blocks.get(inode).remove(first, first + count);
    Inode.Builder file = inodes.get(inode);
    return Attributes.of(file.setDataVersion(file.getDataVersion() + 1).build());
  }

  @Override
  public synchronized boolean isCurrent(SessionId owner) {
    return owner.equals(session);
  }

  @Override
  public List<Integer> groups() {
    return List.of(1);
  }

  @Override
  public synchronized Discards discards(int group, List<ByteString> finished, int rangesMax) {
    whileHanding.run();
    requests.add("DISCARDS");
    done.addAll(finished);
    Discards.Builder answer =
        Discards.newBuilder().addAllHanded(offered).setResting(offered.size());
    offered.clear();
    return answer.build();
  }
}

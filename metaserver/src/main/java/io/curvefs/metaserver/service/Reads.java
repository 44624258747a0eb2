package io.curvefs.metaserver.service;

import com.google.protobuf.ByteString;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.partition.Locks;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.session.OpenTable;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View.Row;
import io.curvefs.proto.Dentry;
import io.curvefs.proto.DirectoryEntry;
import io.curvefs.proto.FileChunks;
import io.curvefs.proto.FileType;
import io.curvefs.proto.GetChunks;
import io.curvefs.proto.GetFiles;
import io.curvefs.proto.IndexedChunk;
import io.curvefs.proto.Inode;
import io.curvefs.proto.ListDirectory;
import io.curvefs.proto.Lookup;
import io.curvefs.proto.Open;
import io.curvefs.proto.Partition;
import io.curvefs.proto.ReadReply;
import io.curvefs.proto.ReadRequest;
import io.curvefs.rpc.Deadline;
import io.curvefs.rpc.NotLeaderException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Linearizable reads of the namespace at the group's leader. Thread-safe. */
final class Reads {
  /** Most directory entries of one reply. */
  static final int ENTRIES_MAX = 4096;

  /** Chunks that come with an open: enough for a file of 256 MiB. */
  private static final int CHUNKS_WITH_OPEN = 4;

  private static final int CHUNKS_MAX = 1024;

  /** Inodes of one GET_FILES, and chunks of each. */
  private static final int FILES_MAX = 1000;

  private static final int CHUNKS_PER_FILE_MAX = 64;

  /** With the file that reaches so many extents, an answer to GET_FILES ends: some 2 MiB. */
  static final int EXTENTS_OF_FILES_MAX = 32_768;

  private static final int LOCKED_PAUSE_MICROS = 500;
  private static final int PARTITIONS_MAX = 100_000;

  private final Admission admission;
  private final SpaceReads space;
  private final Executor readers;
  private final ScheduledExecutorService timer;

  /**
   * @param readers run reads of many rows
   */
  Reads(Admission admission, SpaceReads space, Executor readers, ScheduledExecutorService timer) {
    this.admission = admission;
    this.space = space;
    this.readers = readers;
    this.timer = timer;
  }

  CompletableFuture<ReadReply> handle(DataGroup group, ReadRequest request, Deadline deadline) {
    Leadership leadership;
    try {
      leadership = group.requireLeadership();
    } catch (NotLeaderException e) {
      return CompletableFuture.failedFuture(e);
    }
    if (request.hasOpen()) {
      return open(group, leadership, request, deadline);
    }
    if (request.hasGetSpace() || request.hasCheckSpace() || request.hasGetDiscards()) {
      return space.handle(group, leadership, request);
    }
    CompletableFuture<@Nullable Void> barrier = group.raft().readBarrier();
    return readsManyRows(request)
        ? barrier.thenComposeAsync(passed -> attempt(group, request, deadline), readers)
        : barrier.thenCompose(passed -> attempt(group, request, deadline));
  }

  private static boolean readsManyRows(ReadRequest request) {
    return request.hasListDirectory() || request.hasGetInodes() || request.hasGetFiles();
  }

  /** Reads, and again in a moment while a transaction is about to change what is read. */
  private CompletableFuture<ReadReply> attempt(
      DataGroup group, ReadRequest request, Deadline deadline) {
    try {
      ReadReply reply = read(group, request);
      return reply == null
          ? later(deadline, () -> attempt(group, request, deadline))
          : CompletableFuture.completedFuture(reply);
    } catch (RefusedException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private <T> CompletableFuture<T> later(Deadline deadline, Supplier<CompletableFuture<T>> again) {
    if (deadline.hasPassed()) {
      return CompletableFuture.failedFuture(
          new RefusedException(Refusal.BUSY, "a change across groups is under way"));
    }
    CompletableFuture<@Nullable Void> pause = new CompletableFuture<>();
    timer.schedule(() -> pause.complete(null), LOCKED_PAUSE_MICROS, TimeUnit.MICROSECONDS);
    return pause.thenCompose(passed -> again.get());
  }

  /** Null: a transaction is about to change, or to make, what is asked for. */
  private static @Nullable ReadReply read(DataGroup group, ReadRequest request)
      throws RefusedException {
    int fileSystem = request.getTarget().getFileSystem();
    for (long inode : inodesOf(request)) {
      if (Locks.isHeld(group.rows(), Keys.inode(fileSystem, inode))) {
        return null;
      }
      // A rename is acknowledged before the group of its new directory has carried it out.
      if (showsNames(request) && Locks.isAnyNameHeld(group.rows(), fileSystem, inode)) {
        return null;
      }
    }
    Namespace namespace = new Namespace(group.rows(), fileSystem);
    return switch (request.getKindCase()) {
      case LOOKUP -> lookup(group, namespace, fileSystem, request.getLookup());
      case GET_INODES -> {
        ReadReply.Builder reply = ReadReply.newBuilder();
        for (long id : request.getGetInodes().getIdsList()) {
          Inode inode = namespace.inode(new InodeId(id));
          if (inode != null) {
            reply.addInodes(inode);
          }
        }
        yield reply.build();
      }
      case LIST_DIRECTORY -> list(namespace, request.getListDirectory());
      case GET_CHUNKS -> chunks(namespace, request.getGetChunks());
      case GET_FILES -> files(namespace, request.getGetFiles());
      case GET_XATTR -> {
        InodeId id = existing(namespace, request.getGetXattr().getInode());
        byte[] value = namespace.xattr(id, request.getGetXattr().getName());
        if (value == null) {
          throw new RefusedException(Refusal.ENODATA);
        }
        yield ReadReply.newBuilder().setValue(ByteString.copyFrom(value)).build();
      }
      case LIST_XATTRS -> {
        InodeId id = existing(namespace, request.getListXattrs().getInode());
        yield ReadReply.newBuilder().addAllNames(namespace.xattrNames(id)).build();
      }
      case GET_USAGE -> usage(group, fileSystem);
      case OPEN, GET_SPACE, CHECK_SPACE, GET_DISCARDS, KIND_NOT_SET ->
          throw new RefusedException(Refusal.BAD_REQUEST, "a read this server does not know");
    };
  }

  /** Whether the answer shows a directory's names, or counts and times that change with them. */
  private static boolean showsNames(ReadRequest request) {
    return request.hasListDirectory() || request.hasGetInodes();
  }

  /** Inodes whose rows the answer shows. */
  private static List<Long> inodesOf(ReadRequest request) {
    return switch (request.getKindCase()) {
      case LOOKUP -> List.of(request.getLookup().getParent());
      case GET_INODES -> request.getGetInodes().getIdsList();
      case LIST_DIRECTORY -> List.of(request.getListDirectory().getInode());
      case GET_CHUNKS -> List.of(request.getGetChunks().getInode());
      case GET_FILES -> request.getGetFiles().getIdsList();
      case GET_XATTR -> List.of(request.getGetXattr().getInode());
      case LIST_XATTRS -> List.of(request.getListXattrs().getInode());
      case OPEN, GET_USAGE, GET_SPACE, CHECK_SPACE, GET_DISCARDS, KIND_NOT_SET -> List.of();
    };
  }

  private static @Nullable ReadReply lookup(
      DataGroup group, Namespace namespace, int fileSystem, Lookup lookup) throws RefusedException {
    InodeId parent = new InodeId(lookup.getParent());
    byte[] name = lookup.getName().toByteArray();
    if (Locks.isHeld(group.rows(), Keys.dentry(fileSystem, parent.value(), name))) {
      return null;
    }
    Dentry dentry = namespace.dentry(parent, lookup.getName());
    if (dentry == null) {
      Inode directory = namespace.inode(parent);
      if (directory != null && directory.getType() != FileType.DIRECTORY) {
        throw new RefusedException(Refusal.ENOTDIR);
      }
      throw new RefusedException(Refusal.ENOENT);
    }
    if (Locks.isHeld(group.rows(), Keys.inode(fileSystem, dentry.getChild()))) {
      return null;
    }
    ReadReply.Builder reply = ReadReply.newBuilder().setDentry(dentry);
    Inode inode = namespace.inode(new InodeId(dentry.getChild()));
    if (inode != null) {
      reply.addInodes(inode);
    }
    return reply.build();
  }

  private static ReadReply list(Namespace namespace, ListDirectory list) throws RefusedException {
    InodeId id = new InodeId(list.getInode());
    Inode directory = namespace.inode(id);
    if (directory == null) {
      throw new RefusedException(Refusal.ENOENT);
    }
    if (directory.getType() != FileType.DIRECTORY) {
      throw new RefusedException(Refusal.ENOTDIR);
    }
    int limit = Math.max(1, Math.min(ENTRIES_MAX, list.getLimit()));
    ReadReply.Builder reply = ReadReply.newBuilder().addInodes(directory);
    int count = 0;
    for (Namespace.Entry entry : namespace.list(id, list.getAfter(), limit + 1)) {
      if (++count > limit) {
        return reply.build();
      }
      DirectoryEntry.Builder found =
          DirectoryEntry.newBuilder().setName(entry.name()).setDentry(entry.dentry());
      Inode inode = namespace.inode(new InodeId(entry.dentry().getChild()));
      if (inode != null) {
        found.setInode(inode);
      }
      reply.addEntries(found);
    }
    return reply.setEnd(true).build();
  }

  private static ReadReply chunks(Namespace namespace, GetChunks get) throws RefusedException {
    InodeId id = existing(namespace, get.getInode());
    int count = Math.max(1, Math.min(CHUNKS_MAX, get.getCount()));
    ReadReply.Builder reply = ReadReply.newBuilder();
    Inode inode = namespace.inode(id);
    if (inode != null) {
      reply.addInodes(inode);
    }
    for (Namespace.IndexedChunk chunk : namespace.chunksFrom(id, get.getFirst(), count)) {
      if (chunk.index() - get.getFirst() < count) {
        reply.addChunks(IndexedChunk.newBuilder().setIndex(chunk.index()).setChunk(chunk.chunk()));
      }
    }
    return reply.build();
  }

  private static ReadReply files(Namespace namespace, GetFiles get) throws RefusedException {
    if (get.getIdsCount() < 1 || get.getIdsCount() > FILES_MAX) {
      throw new RefusedException(
          Refusal.BAD_REQUEST, "1 to " + FILES_MAX + " files at once, not " + get.getIdsCount());
    }
    int count = Math.max(1, Math.min(CHUNKS_PER_FILE_MAX, get.getChunks()));
    ReadReply.Builder reply = ReadReply.newBuilder();
    int extents = 0;
    int lookedAt = 0;
    while (lookedAt < get.getIdsCount() && extents < EXTENTS_OF_FILES_MAX) {
      Inode inode = namespace.inode(new InodeId(get.getIds(lookedAt++)));
      if (inode != null) {
        List<IndexedChunk> chunks = firstChunks(namespace, inode, count);
        reply.addFiles(
            FileChunks.newBuilder().setInode(inode).addAllChunks(chunks).setChunksKnown(count));
        for (IndexedChunk chunk : chunks) {
          extents += chunk.getChunk().getExtentsCount() + chunk.getChunk().getBlocksCount();
        }
      }
    }
    return reply.setIdsLookedAt(lookedAt).build();
  }

  private static ReadReply usage(DataGroup group, int fileSystem) {
    long bytes = 0;
    long inodes = 0;
    for (Row row : group.rows().scan(Keys.partitions(fileSystem), null, PARTITIONS_MAX)) {
      Partition partition = Namespace.parse(row.value(), Partition.parser());
      bytes += partition.getBytes();
      inodes += partition.getInodes();
    }
    return ReadReply.newBuilder().setUsedBytes(bytes).setUsedInodes(inodes).build();
  }

  private static InodeId existing(Namespace namespace, long id) throws RefusedException {
    InodeId inode = new InodeId(id);
    if (namespace.inode(inode) == null) {
      throw new RefusedException(Refusal.ENOENT);
    }
    return inode;
  }

  /** Notes the open first, then looks: an unlink in between keeps the file for the opener. */
  private CompletableFuture<ReadReply> open(
      DataGroup group, Leadership leadership, ReadRequest request, Deadline deadline) {
    SessionId session = new SessionId(request.getTarget().getSession());
    return admission
        .admit(group, leadership, session)
        .thenCompose(admitted -> attemptOpen(group, leadership, session, request, deadline));
  }

  private CompletableFuture<ReadReply> attemptOpen(
      DataGroup group,
      Leadership leadership,
      SessionId session,
      ReadRequest request,
      Deadline deadline) {
    Open open = request.getOpen();
    int fileSystem = request.getTarget().getFileSystem();
    OpenTable.File file = new OpenTable.File(fileSystem, new InodeId(open.getInode()));
    boolean heldAlready = leadership.opens().isOpenBy(file, session);
    if (!leadership.opens().open(file, session, open.getNumber())) {
      return later(deadline, () -> attemptOpen(group, leadership, session, request, deadline));
    }
    return group
        .barrier(leadership)
        .thenCompose(
            passed -> {
              if (!Admission.isAdmitted(group, session)) { // its end came before the note
                leadership.opens().forget(session);
                return CompletableFuture.failedFuture(
                    new RefusedException(
                        Refusal.SESSION_EXPIRED, "session " + session + " has expired"));
              }
              if (Locks.isHeld(group.rows(), Keys.inode(fileSystem, open.getInode()))) {
                giveUp(leadership, file, session, open, heldAlready);
                return later(
                    deadline, () -> attemptOpen(group, leadership, session, request, deadline));
              }
              Namespace namespace = new Namespace(group.rows(), fileSystem);
              Inode inode = namespace.inode(file.inode());
              // Without a name it can only be opened again by who has it open (/proc/self/fd).
              if (inode == null || (inode.getNlink() == 0 && !heldAlready)) {
                giveUp(leadership, file, session, open, heldAlready);
                return CompletableFuture.failedFuture(new RefusedException(Refusal.ENOENT));
              }
              return CompletableFuture.completedFuture(opened(namespace, inode));
            });
  }

  private static void giveUp(
      Leadership leadership,
      OpenTable.File file,
      SessionId session,
      Open open,
      boolean heldAlready) {
    if (!heldAlready) {
      leadership.opens().close(file, session, open.getNumber());
    }
  }

  private static ReadReply opened(Namespace namespace, Inode inode) {
    return ReadReply.newBuilder()
        .addInodes(inode)
        .addAllChunks(firstChunks(namespace, inode, CHUNKS_WITH_OPEN))
        .setChunksKnown(CHUNKS_WITH_OPEN)
        .build();
  }

  /** What there is of the chunks whose index is below {@code count}. */
  private static List<IndexedChunk> firstChunks(Namespace namespace, Inode inode, int count) {
    if (inode.getType() != FileType.REGULAR || inode.getLength() == 0) {
      return List.of();
    }
    return namespace.chunksFrom(new InodeId(inode.getId()), 0, count).stream()
        .filter(chunk -> chunk.index() < count)
        .map(
            chunk ->
                IndexedChunk.newBuilder().setIndex(chunk.index()).setChunk(chunk.chunk()).build())
        .toList();
  }
}

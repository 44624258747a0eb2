package io.curvefs.metaserver.coordinator;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.metaserver.transaction.GroupPort;
import io.curvefs.proto.ActivateFileSystem;
import io.curvefs.proto.BeginDeleteFileSystem;
import io.curvefs.proto.CoordinateReply;
import io.curvefs.proto.CoordinatorChange;
import io.curvefs.proto.CoordinatorOutcome;
import io.curvefs.proto.CreateFileSystem;
import io.curvefs.proto.CreateFsRequest;
import io.curvefs.proto.CreatePartition;
import io.curvefs.proto.DropFileSystem;
import io.curvefs.proto.FileSystem;
import io.curvefs.proto.ForgetFileSystem;
import io.curvefs.proto.FormCluster;
import io.curvefs.proto.GroupInfo;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.ParticipateReply;
import io.curvefs.proto.ParticipateRequest;
import io.curvefs.proto.Session;
import io.curvefs.rpc.Deadline;
import io.curvefs.time.WallClock;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The coordinator's long work: forming the cluster, making and removing file systems. Every step
 * can be repeated, and what a step has done is in the tables, so a new leader goes on where the old
 * one stopped. All of it runs on one thread.
 */
public final class FileSystemJobs implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FileSystemJobs.class);
  private static final Duration TICK = Duration.ofSeconds(1);
  private static final Duration STEP_MAX = Duration.ofSeconds(20);

  /** Steps of rows that a group drops before the next file system has its turn. */
  private static final int DROPS_PER_TURN = 100;

  /**
   * A file system whose work failed rests so many times as long as that took: a bucket that hangs
   * gets a small part of the thread's time.
   */
  private static final int REST_FACTOR = 10;

  /** More than groups, so that they can be spread anew later. */
  private static final int PARTITIONS_MIN = 12;

  /** Usable as a directory name, in a URL and in an object key. */
  static final Pattern NAME = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

  private final Coordinator coordinator;
  private final Steps steps;
  private final BucketAccess buckets;
  private final List<GroupInfo> firstGroups;
  private final ScheduledExecutorService thread;

  /** Until when, by {@link System#nanoTime}, a file system whose work failed has no turn. */
  private final Map<Integer, Long> restsUntil = new HashMap<>();

  /**
   * @param firstGroups the data groups of a cluster that is yet to be formed
   * @param thread of its own; closed with this
   */
  public FileSystemJobs(
      Coordinator coordinator,
      GroupPort groups,
      BucketAccess buckets,
      List<GroupInfo> firstGroups,
      WallClock clock,
      ScheduledExecutorService thread) {
    this.coordinator = coordinator;
    this.steps = new Steps(coordinator, groups, clock);
    this.buckets = buckets;
    this.firstGroups = firstGroups;
    this.thread = thread;
  }

  public void start() {
    thread.scheduleWithFixedDelay(this::tick, 0, TICK.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** There may be work: do not wait for the next tick. */
  void wake() {
    thread.execute(this::tick);
  }

  private void tick() {
    Coordinator.Reign reign = coordinator.reign();
    if (reign == null) {
      return;
    }
    Steps.attempt("file systems", () -> resumeAll(reign));
  }

  private void resumeAll(Coordinator.Reign reign) throws IOException {
    CoordinatorTables tables = coordinator.tables();
    if (!tables.isFormed()) {
      form(reign);
      return;
    }
    for (FileSystem fileSystem : tables.fileSystems()) {
      long begun = System.nanoTime();
      Long rest = restsUntil.get(fileSystem.getId());
      if (rest != null && begun - rest < 0) {
        continue;
      }
      restsUntil.remove(fileSystem.getId());
      if (!Steps.attempt(
          "file system '" + fileSystem.getName() + "'", () -> resume(reign, fileSystem))) {
        long now = System.nanoTime();
        restsUntil.put(fileSystem.getId(), now + REST_FACTOR * (now - begun));
      }
    }
  }

  private void form(Coordinator.Reign reign) throws IOException {
    String uuid = UUID.randomUUID().toString();
    propose(
        reign,
        CoordinatorChange.newBuilder()
            .setFormCluster(FormCluster.newBuilder().setUuid(uuid).addAllGroups(firstGroups)));
    log.info("formed cluster {} with {} data groups", uuid, firstGroups.size());
  }

  private void resume(Coordinator.Reign reign, FileSystem fileSystem) throws IOException {
    switch (fileSystem.getState()) {
      case CREATING -> makePartitions(reign, fileSystem);
      case DELETING -> removeSome(reign, fileSystem);
      case ACTIVE, STATE_UNKNOWN, UNRECOGNIZED -> {
        // nothing to do
      }
    }
  }

  private void makePartitions(Coordinator.Reign reign, FileSystem fileSystem) throws IOException {
    for (int i = 0; i < fileSystem.getPartitionGroupsCount(); i++) {
      ask(
          fileSystem.getPartitionGroups(i),
          ParticipateRequest.newBuilder()
              .setCreatePartition(
                  CreatePartition.newBuilder().setFileSystem(fileSystem.getId()).setPartition(i)));
    }
    propose(
        reign,
        CoordinatorChange.newBuilder()
            .setActivateFileSystem(ActivateFileSystem.newBuilder().setId(fileSystem.getId())));
    log.info("file system '{}' is there", fileSystem.getName());
  }

  private void removeSome(Coordinator.Reign reign, FileSystem fileSystem) throws IOException {
    if (!isWithoutObjects(fileSystem)) {
      wake();
      return;
    }
    for (GroupInfo group : coordinator.tables().groups()) {
      ParticipateRequest.Builder drop =
          ParticipateRequest.newBuilder()
              .setDropFileSystem(DropFileSystem.newBuilder().setFileSystem(fileSystem.getId()));
      for (int drops = 0;
          ask(group.getId(), drop).getOutcome().getKind() == Outcome.Kind.MORE;
          drops++) {
        if (drops == DROPS_PER_TURN) {
          wake();
          return;
        }
      }
    }
    // A compaction that had begun may have gone on writing until its group dropped the rows.
    if (!isWithoutObjects(fileSystem)) {
      wake();
      return;
    }
    CoordinatorChange.Builder forget =
        CoordinatorChange.newBuilder()
            .setForgetFileSystem(ForgetFileSystem.newBuilder().setId(fileSystem.getId()));
    for (int drops = 0; propose(reign, forget).getKind() == CoordinatorOutcome.Kind.MORE; drops++) {
      if (drops == DROPS_PER_TURN) {
        wake();
        return;
      }
    }
    log.info("file system '{}' is gone", fileSystem.getName());
  }

  /** Deletes some of its objects, if it can have any; returns whether none is left. */
  private boolean isWithoutObjects(FileSystem fileSystem) throws IOException {
    return fileSystem.hasVolumeStorage() || buckets.deleteSome(fileSystem);
  }

  private ParticipateReply ask(int group, ParticipateRequest.Builder request) throws IOException {
    Deadline deadline = Deadline.in(STEP_MAX);
    return Steps.await(steps.ask(group, request, deadline), deadline);
  }

  private CoordinatorOutcome propose(Coordinator.Reign reign, CoordinatorChange.Builder change)
      throws IOException {
    return steps.propose(reign, change);
  }

  /** Makes a file system; completes when it can be mounted. */
  CompletableFuture<CoordinateReply> create(Coordinator.Reign reign, CreateFsRequest request) {
    return onThread(
        () -> {
          if (!NAME.matcher(request.getName()).matches()) {
            throw new RefusedException(
                Refusal.BAD_REQUEST,
                "'"
                    + request.getName()
                    + "' cannot be a file system's name: use 1 to 63 lower-case letters, digits and"
                    + " inner hyphens");
          }
          CoordinatorTables tables = Steps.await(coordinator.read(), Deadline.in(STEP_MAX));
          if (request.hasVolumeStorage() && request.hasObjectStore()) {
            throw new RefusedException(
                Refusal.BAD_REQUEST, "a file system has a bucket or volumes, not both: name one");
          }
          FileSystem existing = tables.fileSystem(request.getName());
          if (existing != null) {
            if (!existing.getUuid().equals(request.getUuid())) {
              throw nameTaken(request.getName());
            }
            resume(reign, existing); // asked before, by the same asker
            return;
          }
          if (!request.getCacheCluster().isEmpty()
              && tables.cacheCluster(request.getCacheCluster()) == null) {
            throw CacheClusters.noSuch(request.getCacheCluster(), tables);
          }
          FileSystem wanted = wanted(request, tables.groups());
          if (wanted.hasVolumeStorage()) {
            FileSystemVolumes.require(
                VolumeRules.problem(wanted.getVolumeStorage(), tables.fileSystems()));
          } else {
            claimBucket(wanted);
          }
          CoordinatorOutcome outcome =
              propose(
                  reign,
                  CoordinatorChange.newBuilder()
                      .setCreateFileSystem(CreateFileSystem.newBuilder().setFileSystem(wanted)));
          if (outcome.getKind() == CoordinatorOutcome.Kind.NAME_TAKEN) {
            throw nameTaken(request.getName());
          }
          if (outcome.getKind() == CoordinatorOutcome.Kind.NO_CACHE_CLUSTER) {
            throw CacheClusters.noSuch(request.getCacheCluster(), coordinator.tables());
          }
          if (outcome.getKind() == CoordinatorOutcome.Kind.BAD_VOLUMES) {
            throw new RefusedException(Refusal.BAD_VOLUME, outcome.getDetail());
          }
          makePartitions(reign, wanted.toBuilder().setId(outcome.getId()).build());
        });
  }

  private void claimBucket(FileSystem wanted) throws IOException {
    try {
      buckets.claim(wanted);
    } catch (IOException e) {
      throw new RefusedException(Refusal.BAD_OBJECT_STORE, String.valueOf(e.getMessage()));
    }
  }

  private static RefusedException nameTaken(String name) {
    return new RefusedException(
        Refusal.NAME_TAKEN, "there is a file system '" + name + "' already: choose another name");
  }

  private static FileSystem wanted(CreateFsRequest request, List<GroupInfo> groups) {
    FileSystem.Builder fileSystem =
        FileSystem.newBuilder()
            .setName(request.getName())
            .setUuid(request.getUuid())
            .setCacheCluster(request.getCacheCluster());
    if (request.hasVolumeStorage()) {
      fileSystem.setVolumeStorage(
          request.getVolumeStorage().toBuilder()
              .clearVolumes()
              .addAllVolumes(
                  VolumeRules.merged(List.of(), request.getVolumeStorage().getVolumesList())));
    } else {
      fileSystem.setObjectStore(request.getObjectStore());
    }
    for (int i = 0; i < Math.max(PARTITIONS_MIN, groups.size()); i++) {
      fileSystem.addPartitionGroups(groups.get(i % groups.size()).getId());
    }
    return fileSystem.build();
  }

  /** Begins to remove a file system; what it holds goes in the background. */
  CompletableFuture<CoordinateReply> delete(Coordinator.Reign reign, String name) {
    return onThread(
        () -> {
          CoordinatorTables tables = Steps.await(coordinator.read(), Deadline.in(STEP_MAX));
          FileSystem fileSystem = tables.fileSystem(name);
          if (fileSystem == null) {
            throw CoordinatorService.noSuchFileSystem(name, tables);
          }
          CoordinatorOutcome outcome =
              propose(
                  reign,
                  CoordinatorChange.newBuilder()
                      .setBeginDeleteFileSystem(
                          BeginDeleteFileSystem.newBuilder().setId(fileSystem.getId())));
          switch (outcome.getKind()) {
            case DONE -> wake();
            case MOUNTED -> throw mounted(name, tables.sessionsOf(fileSystem.getId()));
            default ->
                throw new RefusedException(
                    Refusal.WRONG_STATE, "file system '" + name + "' is being created");
          }
        });
  }

  private static RefusedException mounted(String name, List<Session> sessions) {
    List<String> where = sessions.stream().map(s -> s.getHost() + ":" + s.getMountPoint()).toList();
    return new RefusedException(
        Refusal.MOUNTED,
        "file system '"
            + name
            + "' is mounted ("
            + String.join(", ", where)
            + "): unmount it first; a client that died is forgotten after "
            + Coordinator.LEASE.toSeconds()
            + " s");
  }

  private CompletableFuture<CoordinateReply> onThread(Steps.Work job) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            job.run();
            return CoordinateReply.getDefaultInstance();
          } catch (IOException e) {
            throw new CompletionException(e);
          }
        },
        thread);
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}

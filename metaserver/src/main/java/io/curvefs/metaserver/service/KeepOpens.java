package io.curvefs.metaserver.service;

import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.group.DataGroup;
import io.curvefs.metaserver.group.Leadership;
import io.curvefs.metaserver.session.OpenTable;
import io.curvefs.proto.KeepOpenReply;
import io.curvefs.proto.KeepOpenRequest;
import io.curvefs.proto.OpenInode;
import io.curvefs.rpc.NotLeaderException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** What sessions tell a group's leader of the files they hold open. Thread-safe. */
final class KeepOpens {
  private final Admission admission;

  KeepOpens(Admission admission) {
    this.admission = admission;
  }

  CompletableFuture<KeepOpenReply> handle(DataGroup group, KeepOpenRequest request) {
    Leadership leadership;
    try {
      leadership = group.requireLeadership();
    } catch (NotLeaderException e) {
      return CompletableFuture.failedFuture(e);
    }
    SessionId session = new SessionId(request.getTarget().getSession());
    return admission
        .admit(group, leadership, session)
        .thenApply(
            admitted -> {
              OpenTable opens = leadership.opens();
              int fileSystem = request.getTarget().getFileSystem();
              if (request.getWhole()) {
                opens.report(session, files(fileSystem, request), request.getUpTo());
              } else {
                files(fileSystem, request).forEach((file, n) -> opens.open(file, session, n));
              }
              for (OpenInode closed : request.getClosedList()) {
                opens.close(file(fileSystem, closed), session, closed.getNumber());
              }
              boolean known =
                  opens.isReported(session)
                      && (request.getWhole() || request.getTerm() == leadership.term());
              return KeepOpenReply.newBuilder()
                  .setTerm(leadership.term())
                  .setSendWhole(!known)
                  .build();
            });
  }

  private static Map<OpenTable.File, Long> files(int fileSystem, KeepOpenRequest request) {
    Map<OpenTable.File, Long> files = new HashMap<>();
    for (OpenInode opened : request.getOpenedList()) {
      files.merge(file(fileSystem, opened), opened.getNumber(), Math::max);
    }
    return files;
  }

  private static OpenTable.File file(int fileSystem, OpenInode inode) {
    return new OpenTable.File(fileSystem, new InodeId(inode.getInode()));
  }
}

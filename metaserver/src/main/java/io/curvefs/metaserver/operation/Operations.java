package io.curvefs.metaserver.operation;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.proto.MutateRequest;

/** The way from a request to its operation. */
public final class Operations {
  private Operations() {}

  /**
   * Plans a request.
   *
   * @throws RefusedException with the errno of the operation
   */
  public static Plan plan(MutateRequest request, Surroundings surroundings)
      throws RefusedException, CannotPlanYetException {
    return switch (request.getKindCase()) {
      case CREATE -> CreateOperation.plan(request.getCreate(), surroundings);
      case UNLINK -> UnlinkOperation.plan(request.getUnlink(), surroundings);
      case REMOVE_DIR -> RemoveDirOperation.plan(request.getRemoveDir(), surroundings);
      case LINK -> LinkOperation.plan(request.getLink(), surroundings);
      case RENAME -> RenameOperation.plan(request.getRename(), surroundings);
      case SET_ATTRIBUTES -> SetAttributesOperation.plan(request.getSetAttributes(), surroundings);
      case COMMIT -> CommitOperation.plan(request.getCommit(), surroundings);
      case SET_XATTR -> XattrOperation.plan(request.getSetXattr(), surroundings);
      case REMOVE_XATTR -> XattrOperation.plan(request.getRemoveXattr(), surroundings);
      case RESERVE -> ReserveOperation.plan(request.getReserve(), surroundings);
      case COMMIT_BLOCKS -> CommitBlocksOperation.plan(request.getCommitBlocks(), surroundings);
      case RETURN_BLOCKS -> ReturnOperation.plan(request.getReturnBlocks(), surroundings);
      case PUNCH_HOLE -> PunchHoleOperation.plan(request.getPunchHole(), surroundings);
      case KIND_NOT_SET ->
          throw new RefusedException(Refusal.BAD_REQUEST, "an operation this server does not know");
    };
  }
}

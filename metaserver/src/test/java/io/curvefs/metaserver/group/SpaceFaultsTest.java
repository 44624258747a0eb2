package io.curvefs.metaserver.group;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.proto.ChangeLinks;
import io.curvefs.proto.CommitBlocks;
import io.curvefs.proto.DropBlockGroups;
import io.curvefs.proto.Effect;
import io.curvefs.proto.ExpireSession;
import io.curvefs.proto.FreeChunks;
import io.curvefs.proto.HoldBlockGroups;
import io.curvefs.proto.InsertDentry;
import io.curvefs.proto.LogEntry;
import io.curvefs.proto.Mutation;
import io.curvefs.proto.PunchHole;
import io.curvefs.proto.ReleaseQuarantine;
import io.curvefs.proto.RemoveDentry;
import io.curvefs.proto.ReserveBlocks;
import io.curvefs.proto.ReturnBlocks;
import io.curvefs.proto.SetAttributes;
import org.junit.jupiter.api.Test;

class SpaceFaultsTest {
  private static SpaceFaults of(Effect.Builder... effects) {
    Mutation.Builder mutation = Mutation.newBuilder();
    for (Effect.Builder effect : effects) {
      mutation.addEffects(effect);
    }
    return SpaceFaults.of(LogEntry.newBuilder().setMutation(mutation).build());
  }

  @Test
  void entries_about_blocks_pass_the_points_that_are_named_after_them() {
    LogEntry.Builder entry = LogEntry.newBuilder();
    assertThat(of(Effect.newBuilder().setReserveBlocks(ReserveBlocks.newBuilder())))
        .isEqualTo(SpaceFaults.RESERVE);
    assertThat(of(Effect.newBuilder().setCommitBlocks(CommitBlocks.newBuilder())))
        .isEqualTo(SpaceFaults.COMMIT);
    assertThat(of(Effect.newBuilder().setReturnBlocks(ReturnBlocks.newBuilder())))
        .isEqualTo(SpaceFaults.RETURN);
    assertThat(of(Effect.newBuilder().setPunchHole(PunchHole.newBuilder())))
        .isEqualTo(SpaceFaults.FREE);
    assertThat(of(Effect.newBuilder().setSetAttributes(SetAttributes.newBuilder().setLength(0))))
        .isEqualTo(SpaceFaults.FREE);
    assertThat(SpaceFaults.of(entry.setFreeChunks(FreeChunks.newBuilder()).build()))
        .isEqualTo(SpaceFaults.RECLAIM);
    assertThat(SpaceFaults.of(entry.setReleaseQuarantine(ReleaseQuarantine.newBuilder()).build()))
        .isEqualTo(SpaceFaults.RELEASE);
    assertThat(SpaceFaults.of(entry.setExpireSession(ExpireSession.newBuilder()).build()))
        .isEqualTo(SpaceFaults.EXPIRE);
    assertThat(SpaceFaults.of(entry.setHoldBlockGroups(HoldBlockGroups.newBuilder()).build()))
        .isEqualTo(SpaceFaults.HOLD);
    assertThat(SpaceFaults.of(entry.setDropBlockGroups(DropBlockGroups.newBuilder()).build()))
        .isEqualTo(SpaceFaults.DROP);
  }

  @Test
  void an_unlink_frees_wherever_it_is_among_the_effects_and_a_create_passes_no_point() {
    assertThat(
            of(
                Effect.newBuilder().setRemoveDentry(RemoveDentry.newBuilder()),
                Effect.newBuilder().setChangeLinks(ChangeLinks.newBuilder().setDelta(-1))))
        .isEqualTo(SpaceFaults.FREE);
    assertThat(of(Effect.newBuilder().setInsertDentry(InsertDentry.newBuilder()))).isNull();
    assertThat(of()).isNull();
  }
}

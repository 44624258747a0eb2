package io.curvefs.client.mount;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.vfs.ControlAttributes.Asker;
import io.curvefs.client.warmup.WarmupMessages;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.FileType;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Who may command warmups. */
class WarmupRightsTest {
  private static final int MOUNTER = 500;
  private static final int OWNER = 600;
  private static final int GROUP = 700;
  private static final int OTHER = 800;

  private static Attributes root(int mode) {
    return new Attributes(
        InodeId.ROOT,
        FileType.DIRECTORY,
        mode,
        OWNER,
        GROUP,
        2,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        ByteString.EMPTY,
        1,
        1,
        1,
        0,
        "");
  }

  private record User(int uid, Set<Integer> groups) implements Asker {
    @Override
    public boolean isIn(int gid) {
      return groups.contains(gid);
    }
  }

  private static boolean may(int mode, int uid, Integer... groups) {
    try {
      new WarmupRights(MOUNTER, () -> root(mode)).require(new User(uid, Set.of(groups)));
      return true;
    } catch (RefusedException e) {
      assertThat(e.refusal()).isEqualTo(Refusal.EACCES);
      return false;
    }
  }

  @Test
  void root_and_who_has_mounted_may_always() {
    assertThat(may(0, 0)).isTrue();
    assertThat(may(0, MOUNTER)).isTrue();
  }

  @Test
  void others_may_who_may_write_to_the_root_directory() {
    assertThat(may(0755, OWNER)).isTrue();
    assertThat(may(0577, OWNER, GROUP)).as("the owner's class decides").isFalse();
    assertThat(may(0775, OTHER, GROUP)).isTrue();
    assertThat(may(0757, OTHER, GROUP)).as("the group's class decides").isFalse();
    assertThat(may(0755, OTHER)).isFalse();
    assertThat(may(0777, OTHER)).isTrue();
  }

  @Test
  void a_root_that_cannot_be_looked_at_is_no_permission() {
    WarmupRights rights =
        new WarmupRights(
            MOUNTER,
            () -> {
              throw new RefusedException(Refusal.TIMED_OUT);
            });
    assertThatThrownBy(() -> rights.require(new User(OTHER, Set.of())))
        .isInstanceOf(RefusedException.class);
  }

  @Test
  void what_commands_or_names_files_is_more_than_reading() {
    assertThat(WarmupMessages.commandsOrNames("say.cancel.MQ")).isTrue();
    assertThat(WarmupMessages.commandsOrNames("failed.1.0")).isTrue();
    assertThat(WarmupMessages.commandsOrNames("skipped.1.0")).isTrue();
    assertThat(WarmupMessages.commandsOrNames("jobs")).isFalse();
  }
}

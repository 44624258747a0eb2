package io.curvefs.metaserver.reclaim;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.session.OpenTable;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.testing.LocalGroup;
import io.curvefs.proto.ChangeLinks;
import io.curvefs.proto.Effect;
import io.curvefs.proto.FileType;
import io.curvefs.proto.Inode;
import io.curvefs.proto.InsertInode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class OrphanReclaimTest {
  private static final SessionId SESSION = new SessionId(3);

  /** More than one step looks at. */
  private static final int HELD = 2500;

  @TempDir Path directory;
  private LocalGroup local;
  private final OrphanReclaim reclaim = new OrphanReclaim();

  @BeforeEach
  void start() throws Exception {
    local = new LocalGroup(directory);
  }

  @AfterEach
  void stop() {
    local.close();
  }

  private static OpenTable.File file(long inode) {
    return new OpenTable.File(LocalGroup.FILE_SYSTEM, new InodeId(inode));
  }

  private void orphans(int first, int count) throws Exception {
    List<Effect.Builder> effects = new ArrayList<>();
    for (int inode = first; inode < first + count; inode++) {
      effects.add(
          Effect.newBuilder()
              .setInsertInode(
                  InsertInode.newBuilder()
                      .setInode(
                          Inode.newBuilder().setId(inode).setType(FileType.REGULAR).setNlink(1))));
      effects.add(
          Effect.newBuilder()
              .setChangeLinks(
                  ChangeLinks.newBuilder().setInode(inode).setDelta(-1).setMayBeOpen(true)));
    }
    local.apply(effects.toArray(Effect.Builder[]::new));
  }

  private boolean isOrphan(long inode) {
    return local.group().rows().get(Keys.orphan(LocalGroup.FILE_SYSTEM, inode)) != null;
  }

  private void round() throws Exception {
    for (int steps = 1; reclaim.reclaim(local.group(), local.leadership()); steps++) {
      assertThat(steps).isLessThan(10);
    }
  }

  @Test
  void orphans_that_are_held_open_hide_no_others() throws Exception {
    orphans(10, HELD + 1);
    for (int inode = 10; inode < 10 + HELD; inode++) {
      local.leadership().opens().open(file(inode), SESSION, 1);
    }
    round();

    assertThat(isOrphan(10 + HELD)).isFalse();
    assertThat(isOrphan(10)).isTrue();
  }

  @Test
  void the_next_round_begins_with_the_first_again() throws Exception {
    orphans(10, HELD);
    for (int inode = 10; inode < 10 + HELD; inode++) {
      local.leadership().opens().open(file(inode), SESSION, 1);
    }
    round();
    local.leadership().opens().forget(SESSION);
    round();

    assertThat(local.group().rows().scan(Keys.orphans(), null, 10)).isEmpty();
  }
}

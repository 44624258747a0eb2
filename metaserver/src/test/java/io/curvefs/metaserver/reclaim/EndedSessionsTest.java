package io.curvefs.metaserver.reclaim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.partition.Slots;
import io.curvefs.metaserver.session.OpenTable;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.testing.LocalGroup;
import io.curvefs.proto.AdmitSession;
import io.curvefs.proto.LogEntry;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class EndedSessionsTest {
  private static final OpenTable.File FILE =
      new OpenTable.File(LocalGroup.FILE_SYSTEM, new InodeId(5));

  @TempDir Path directory;
  private LocalGroup local;

  @BeforeEach
  void start() throws Exception {
    local = new LocalGroup(directory);
  }

  @AfterEach
  void stop() {
    local.close();
  }

  private void admit(int session) throws Exception {
    local.apply(
        LogEntry.newBuilder().setAdmitSession(AdmitSession.newBuilder().setSession(session)));
  }

  @Test
  void a_session_of_whose_end_nobody_told_the_group_no_longer_keeps_files() throws Exception {
    admit(3);
    local.restart();
    assertThat(local.leadership().opens().mayBeOpen(FILE)).isTrue();

    new EndedSessions(session -> CompletableFuture.completedFuture(false))
        .expire(local.group(), local.leadership());

    assertThat(Slots.isAdmitted(local.group().rows(), 3)).isFalse();
    assertThat(local.leadership().opens().mayBeOpen(FILE)).isFalse();
  }

  @Test
  void sessions_that_live_stay() throws Exception {
    admit(3);
    admit(4);

    new EndedSessions(session -> CompletableFuture.completedFuture(session.value() == 4))
        .expire(local.group(), local.leadership());

    assertThat(Slots.isAdmitted(local.group().rows(), 3)).isFalse();
    assertThat(Slots.isAdmitted(local.group().rows(), 4)).isTrue();
  }

  @Test
  void what_an_admission_that_came_too_late_left_is_removed() throws Exception {
    local.expire(3);
    admit(3);

    new EndedSessions(session -> CompletableFuture.completedFuture(true))
        .expire(local.group(), local.leadership());

    assertThat(local.group().rows().scan(Keys.sessions(), null, 10)).isEmpty();
  }

  @Test
  void without_the_coordinators_word_nothing_happens() throws Exception {
    admit(3);
    EndedSessions ended =
        new EndedSessions(
            session ->
                CompletableFuture.failedFuture(
                    new RefusedException(Refusal.UNREACHABLE, "no coordinator")));

    assertThatThrownBy(() -> ended.expire(local.group(), local.leadership()))
        .isInstanceOf(RefusedException.class);
    assertThat(Slots.isAdmitted(local.group().rows(), 3)).isTrue();
  }
}

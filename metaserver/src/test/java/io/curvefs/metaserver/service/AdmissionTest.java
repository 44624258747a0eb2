package io.curvefs.metaserver.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.metaserver.session.OpenTable;
import io.curvefs.metaserver.testing.LocalGroup;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AdmissionTest {
  private static final SessionId SESSION = new SessionId(3);
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

  private void admit(Admission admission) throws Exception {
    admission.admit(local.group(), local.leadership(), SESSION).get(20, TimeUnit.SECONDS);
  }

  private static void assertExpired(Throwable failure) {
    assertThat(failure.getCause()).isInstanceOf(RefusedException.class);
    assertThat(((RefusedException) failure.getCause()).refusal())
        .isEqualTo(Refusal.SESSION_EXPIRED);
  }

  @Test
  void a_live_session_is_admitted_and_counts_as_one_that_may_hold_files_open() throws Exception {
    admit(new Admission(session -> CompletableFuture.completedFuture(true)));
    local.restart();

    assertThat(Admission.isAdmitted(local.group(), SESSION)).isTrue();
    assertThat(local.leadership().opens().mayBeOpen(FILE)).isTrue();
  }

  @Test
  void a_session_that_has_ended_is_not_admitted_on_the_word_of_an_old_list() throws Exception {
    Admission oldList = new Admission(session -> CompletableFuture.completedFuture(true));
    admit(oldList);
    local.expire(SESSION.value());

    assertThatThrownBy(() -> admit(oldList)).satisfies(AdmissionTest::assertExpired);
    local.restart();
    assertThat(local.leadership().opens().mayBeOpen(FILE)).isFalse();
  }

  @Test
  void a_session_that_ends_while_it_is_admitted_stays_out() throws Exception {
    Admission overtaken =
        new Admission(
            session -> {
              try {
                local.expire(session.value());
              } catch (Exception e) {
                throw new AssertionError(e);
              }
              return CompletableFuture.completedFuture(true);
            });

    assertThatThrownBy(() -> admit(overtaken)).satisfies(AdmissionTest::assertExpired);
    local.restart();
    assertThat(Admission.isAdmitted(local.group(), SESSION)).isFalse();
    assertThat(local.leadership().opens().mayBeOpen(FILE)).isFalse();
  }
}

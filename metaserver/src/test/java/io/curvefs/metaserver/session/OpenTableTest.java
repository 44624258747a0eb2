package io.curvefs.metaserver.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OpenTableTest {
  private static final OpenTable.File FILE = new OpenTable.File(1, new InodeId(7));
  private static final SessionId ONE = new SessionId(1);
  private static final SessionId TWO = new SessionId(2);

  private final OpenTable opens = new OpenTable(List.of());

  @Test
  void a_file_cannot_be_opened_until_every_change_that_has_shut_it_has_ended() {
    assertThat(opens.shut(FILE)).isTrue();
    assertThat(opens.shut(FILE)).isTrue();
    opens.unshut(FILE);
    assertThat(opens.open(FILE, ONE, 1)).isFalse();
    opens.unshut(FILE);
    assertThat(opens.open(FILE, ONE, 1)).isTrue();
    assertThat(opens.shut(FILE)).isFalse();
  }

  @Test
  void a_close_does_not_undo_a_later_open() {
    opens.open(FILE, ONE, 2);
    opens.close(FILE, ONE, 1);
    assertThat(opens.mayBeOpen(FILE)).isTrue();
    opens.close(FILE, ONE, 2);
    assertThat(opens.mayBeOpen(FILE)).isFalse();
  }

  @Test
  void any_file_may_be_open_until_every_earlier_session_has_reported() {
    OpenTable later = new OpenTable(List.of(ONE, TWO));
    later.report(ONE, Map.of(), 5);
    assertThat(later.mayBeOpen(FILE)).isTrue();
    later.forget(TWO);
    assertThat(later.mayBeOpen(FILE)).isFalse();
  }

  @Test
  void a_report_leaves_the_opens_that_came_after_it_was_made() {
    opens.open(FILE, ONE, 6);
    opens.report(ONE, Map.of(), 5);
    assertThat(opens.isOpenBy(FILE, ONE)).isTrue();
    opens.report(ONE, Map.of(), 6);
    assertThat(opens.isOpenBy(FILE, ONE)).isFalse();
  }
}

package io.curvefs.client.meta;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.id.InodeId;
import io.curvefs.proto.OpenInode;
import java.util.List;
import org.junit.jupiter.api.Test;

class OpenFilesTest {
  private static final InodeId FILE = new InodeId(7);

  private final OpenFiles files = new OpenFiles();

  @Test
  void a_report_does_not_speak_for_opens_that_are_being_asked_for() {
    long first = files.next();
    long second = files.next();
    files.opened(FILE, second);
    files.answered(second);
    assertThat(files.whole().upTo()).isEqualTo(first - 1);
    assertThat(files.whole().opened()).hasSize(1);

    files.answered(first); // refused
    assertThat(files.whole().upTo()).isEqualTo(second);
  }

  @Test
  void a_close_is_told_once_the_last_handle_is_gone() {
    files.opened(FILE, files.next());
    files.opened(FILE, files.next());
    files.close(FILE);
    assertThat(files.takeClosed()).isEmpty();
    files.close(FILE);
    assertThat(files.takeClosed()).hasSize(1);
    assertThat(files.takeClosed()).isEmpty();
  }

  @Test
  void a_close_that_could_not_be_told_is_told_again() {
    files.opened(FILE, files.next());
    files.close(FILE);
    files.closedUntold(files.takeClosed());
    assertThat(files.takeClosed()).hasSize(1);
  }

  @Test
  void what_is_held_and_closed_before_it_was_told_is_never_told() {
    files.hold(FILE);
    files.hold(FILE);
    files.close(FILE);
    files.close(FILE);

    assertThat(files.hasUntold()).isFalse();
    assertThat(files.takeClosed()).isEmpty();
  }

  @Test
  void what_is_held_stays_untold_until_an_answer_came() {
    files.hold(FILE);
    List<OpenInode> first = files.tellHeld();
    assertThat(first).hasSize(1);
    files.told(List.of());
    assertThat(files.hasUntold()).isTrue();

    files.told(files.tellHeld());
    assertThat(files.hasUntold()).isFalse();
    assertThat(files.tellHeld()).isEmpty();
  }

  @Test
  void a_close_waits_for_the_message_that_tells_of_its_open() {
    files.hold(FILE);
    List<OpenInode> held = files.tellHeld();
    files.close(FILE);
    assertThat(files.takeClosed()).isEmpty();

    files.told(held);
    assertThat(files.takeClosed()).isEqualTo(held);
  }

  @Test
  void an_open_that_asked_tells_of_what_was_held() {
    files.hold(FILE);
    files.opened(FILE, files.next());
    assertThat(files.hasUntold()).isFalse();

    files.close(FILE);
    files.close(FILE);
    assertThat(files.takeClosed()).hasSize(1);
  }
}

package io.curvefs.client.meta;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.id.InodeId;
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
    files.untold(files.takeClosed());
    assertThat(files.takeClosed()).hasSize(1);
  }
}

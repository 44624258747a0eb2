package io.curvefs.client.mount;

import io.curvefs.client.content.StagedUsage;
import java.util.Optional;

/** How a mount tells commands what waits in its write-back journal: four lines. */
final class StagedText {
  private static final int LINES = 4;

  private StagedText() {}

  static String of(StagedUsage staged) {
    String failure = staged.failure() == null ? "" : staged.failure().replace('\n', ' ');
    return String.join(
        "\n",
        Long.toString(staged.files()),
        Long.toString(staged.bytes()),
        staged.directory(),
        failure);
  }

  static Optional<MountHandle.Staged> parse(String text) {
    String[] lines = text.split("\n", -1);
    if (lines.length != LINES) {
      return Optional.empty();
    }
    return Optional.of(
        new MountHandle.Staged(
            Long.parseLong(lines[0]), Long.parseLong(lines[1]), lines[2], lines[3]));
  }
}

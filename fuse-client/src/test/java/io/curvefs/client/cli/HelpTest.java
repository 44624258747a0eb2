package io.curvefs.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** What --help prints. */
class HelpTest {
  static Stream<CommandLine> commands() {
    List<CommandLine> found = new ArrayList<>();
    collect(new CommandLine(Curvefs.class), found);
    return found.stream();
  }

  private static void collect(CommandLine command, List<CommandLine> into) {
    into.add(command);
    command.getSubcommands().values().forEach(inner -> collect(inner, into));
  }

  /** Where picocli cannot read a text as a format, it prints the text as it stands, and warns. */
  @ParameterizedTest
  @MethodSource("commands")
  void every_text_is_a_format_that_can_be_read(CommandLine command) {
    assertThat(command.getUsageMessage()).isNotBlank().doesNotContain("%%", "%n", "${");
  }
}

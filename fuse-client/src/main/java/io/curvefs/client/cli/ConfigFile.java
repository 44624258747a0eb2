package io.curvefs.client.cli;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * A file of {@code key = value} lines (java.util.Properties) in which every option of a command can
 * stand, by its long name without the dashes. Options on the command line win. Unknown keys are
 * refused.
 */
final class ConfigFile implements CommandLine.IDefaultValueProvider {
  static final String OPTION = "--config";

  private final Properties values = new Properties();

  ConfigFile(Path file, CommandLine command) {
    try (Reader reader = Files.newBufferedReader(file)) {
      values.load(reader);
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException("no configuration file " + file, e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    for (String key : values.stringPropertyNames()) {
      if (command.getCommandSpec().findOption("--" + key) == null) {
        throw new IllegalArgumentException(
            file
                + ": unknown key '"
                + key
                + "': keys are the options of 'curvefs "
                + command.getCommandName()
                + " --help' without their dashes");
      }
    }
  }

  @Override
  public @Nullable String defaultValue(ArgSpec argument) {
    if (argument instanceof OptionSpec option) {
      String value = values.getProperty(option.longestName().replaceFirst("^--", ""));
      if (value != null) {
        return value;
      }
    }
    return argument.defaultValue();
  }
}

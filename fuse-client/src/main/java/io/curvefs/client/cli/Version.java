package io.curvefs.client.cli;

import picocli.CommandLine;

/** What {@code curvefs --version} prints. */
final class Version implements CommandLine.IVersionProvider {
  @Override
  public String[] getVersion() {
    String version = Version.class.getPackage().getImplementationVersion();
    return new String[] {"curvefs " + (version == null ? "(not packaged)" : version)};
  }
}

package io.curvefs.client.cli;

import picocli.CommandLine.Command;

@Command(name = "quickstart")
final class QuickstartCommand implements Runnable {
  @Override
  public void run() {}
}

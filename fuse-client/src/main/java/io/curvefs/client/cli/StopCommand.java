package io.curvefs.client.cli;

import picocli.CommandLine.Command;

@Command(name = "stop")
final class StopCommand implements Runnable {
  @Override
  public void run() {}
}

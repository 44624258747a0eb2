package io.curvefs.client.mount;

import io.curvefs.rpc.HostPort;
import java.util.ArrayList;
import java.util.List;

/**
 * What to mount: {@code HOST:PORT[,HOST:PORT...]/FSNAME}.
 *
 * @param servers addresses of metaservers, at least one
 * @param fileSystem name
 */
public record MountSpec(List<HostPort> servers, String fileSystem) {
  public MountSpec {
    servers = List.copyOf(servers);
  }

  /**
   * @throws IllegalArgumentException saying how it is written
   */
  public static MountSpec parse(String text) {
    int slash = text.indexOf('/');
    if (slash <= 0 || slash == text.length() - 1 || text.indexOf('/', slash + 1) >= 0) {
      throw new IllegalArgumentException(
          "'" + text + "' does not say what to mount: write HOST:PORT[,HOST:PORT...]/FSNAME");
    }
    List<HostPort> servers = new ArrayList<>();
    for (String server : text.substring(0, slash).split(",", -1)) {
      try {
        servers.add(HostPort.parse(server));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "'" + server + "' is no metaserver address: write HOST:PORT[,HOST:PORT...]/FSNAME", e);
      }
    }
    return new MountSpec(servers, text.substring(slash + 1));
  }

  /** Of what {@link #display} has written. */
  static MountSpec ofDisplay(String text) {
    return parse(text.replace(';', ','));
  }

  /** As the mount table shows it; commas would end the option there. */
  public String display() {
    return String.join(";", servers.stream().map(HostPort::toString).toList()) + "/" + fileSystem;
  }
}

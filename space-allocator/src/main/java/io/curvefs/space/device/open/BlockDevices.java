package io.curvefs.space.device.open;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.iscsi.IscsiAddress;
import io.curvefs.space.device.iscsi.IscsiConnector;
import io.curvefs.space.device.local.LocalDevice;
import io.curvefs.space.device.local.LocalDevice.Caching;
import io.curvefs.space.device.nbd.NbdAddress;
import io.curvefs.space.device.nbd.NbdConnector;
import io.curvefs.space.device.remote.RemoteDevice;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;

/** Opens volumes by URI. */
public final class BlockDevices {
  /** What volumes can be, for messages and help. */
  public static final String FORMS =
      "file:///path, block:///dev/name, nbd://host:port/export,"
          + " nbd+unix:///export?socket=/path, iscsi://[user%password@]host[:port]/target/lun";

  /** A volume's headers lie within its first MiB; a device without more is none. */
  public static final long BYTES_MIN = 2 << 20;

  private BlockDevices() {}

  /**
   * Opens a device for reading and writing. Whoever opens it closes it.
   *
   * <ul>
   *   <li>{@code file:///path}: a plain file that exists, through the page cache of this host. With
   *       {@code ?direct} past it, for a file system that several hosts share.
   *   <li>{@code block:///dev/name}: a block device of this host, past the page cache.
   *   <li>{@code nbd://host[:port]/export}, {@code nbd+unix:///export?socket=/path}: by libnbd.
   *   <li>{@code iscsi://[user%password@]host[:port]/target/lun}: by libiscsi.
   * </ul>
   *
   * @throws IOException when it cannot be opened; the message names what to do
   * @throws IllegalArgumentException when the text is no such URI
   */
  public static BlockDevice open(String text, DeviceOptions options) throws IOException {
    BlockDevice device = openAny(text, options);
    if (device.size() < BYTES_MIN) {
      device.close();
      throw new IOException(
          device.name()
              + " is too small for a volume: "
              + device.size()
              + " bytes, and at least "
              + BYTES_MIN
              + " are needed. Enlarge it first.");
    }
    return device;
  }

  private static BlockDevice openAny(String text, DeviceOptions options) throws IOException {
    if (text.startsWith("iscsi:")) {
      // A user%password is no valid URI.
      IscsiAddress address = IscsiAddress.parse(text);
      return RemoteDevice.open(new IscsiConnector(address), options);
    }
    URI uri = parse(text);
    String scheme = uri.getScheme() == null ? "" : uri.getScheme();
    return switch (scheme) {
      case "file" -> LocalDevice.file(text, path(uri), caching(uri), options);
      case "block" -> LocalDevice.block(text, path(uri), options);
      case "nbd", "nbd+unix" ->
          RemoteDevice.open(new NbdConnector(text, NbdAddress.parse(uri)), options);
      default ->
          throw new IllegalArgumentException(
              "'" + text + "' is no volume that can be opened. It must be one of: " + FORMS);
    };
  }

  private static URI parse(String text) {
    try {
      return new URI(text);
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(
          "'" + text + "' is no URI (" + e.getReason() + "). It must be one of: " + FORMS, e);
    }
  }

  private static Path path(URI uri) {
    String path = uri.getPath();
    if (path == null || !path.startsWith("/") || uri.getAuthority() != null) {
      throw new IllegalArgumentException(
          uri + " needs an absolute path: " + uri.getScheme() + ":///path");
    }
    return Path.of(path);
  }

  private static Caching caching(URI uri) {
    String query = uri.getQuery();
    if (query == null) {
      return Caching.PAGES;
    }
    if (query.equals("direct")) {
      return Caching.DIRECT;
    }
    throw new IllegalArgumentException(uri + ": a file takes '?direct' and nothing else");
  }
}

package io.curvefs.space.device.open;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.rpc.testing.FreePorts;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.testing.NbdServer;
import io.curvefs.space.device.testing.SparseFile;
import io.curvefs.space.device.testing.TgtServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is refused, and whether the message helps. */
class BlockDevicesTest {
  private static final DeviceOptions OPTIONS =
      DeviceOptions.DEFAULT.withTimeout(Duration.ofSeconds(3));

  @TempDir Path directory;

  private static void refused(String uri, String... words) {
    assertThatThrownBy(() -> BlockDevices.open(uri, OPTIONS).close())
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll(words);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/dev/sda",
        "ceph://pool/image",
        "file:image",
        "file://image",
        "file:///image?sync",
        "block://dev/sda",
        "nbd:///export",
        "nbd+unix:///export",
        "nbd+unix:///export?socket=",
        "nbds://host/export",
        "iscsi://host",
        "iscsi://host/target",
        "iscsi://host/target/one",
        "file:///with blank"
      })
  void what_is_no_uri_of_a_volume_is_refused_with_the_form_it_should_have(String uri) {
    assertThatThrownBy(() -> BlockDevices.open(uri, OPTIONS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageMatching(
            "(?s).*(It must be one of|absolute path|names no|is not iscsi://|'\\?direct').*");
  }

  @Test
  void a_missing_file_is_named_with_how_to_make_it() {
    refused("file://" + directory.resolve("none"), "there is no", "truncate -s");
  }

  @Test
  void a_directory_is_no_volume() {
    refused("file://" + directory, "is no plain file");
  }

  @Test
  void a_file_is_no_block_device_and_the_message_says_what_to_write_instead() throws IOException {
    Path image = SparseFile.withSize(directory.resolve("image"), 4 << 20);
    refused("block://" + image, "is no block device", "Say file://" + image);
  }

  @Test
  void a_missing_block_device_is_named() {
    refused("block:///dev/no-such-volume", "there is no /dev/no-such-volume", "lsblk");
  }

  @Test
  void a_small_file_is_too_small() throws IOException {
    Path image = SparseFile.withSize(directory.resolve("image"), 1 << 20);
    refused("file://" + image, "too small", "Enlarge");
  }

  @Test
  void an_nbd_server_that_is_not_there_is_named_with_what_to_look_at() {
    String uri = "nbd://127.0.0.1:" + FreePorts.one() + "/volume";
    refused(uri, uri, "refused", "NBD server runs");
    refused("nbd+unix:///?socket=" + directory.resolve("none"), "No such file", "NBD server runs");
  }

  @Test
  void a_read_only_export_is_refused() throws IOException {
    try (NbdServer server = NbdServer.nbdkitOnSocket(directory, "-r", "memory", "64M")) {
      refused(server.uri(), "read-only", "without its read-only option");
    }
  }

  @Test
  void an_export_that_cannot_flush_is_refused() throws IOException {
    Path plugin = Files.writeString(directory.resolve("plugin"), NO_FLUSH);
    Files.setPosixFilePermissions(plugin, PosixFilePermissions.fromString("rwx------"));
    try (NbdServer server = NbdServer.nbdkitOnSocket(directory, "sh", plugin.toString())) {
      refused(server.uri(), "does not support flush");
    }
  }

  private static final String NO_FLUSH =
      """
      #!/bin/sh
      case "$1" in
        get_size) echo 64M;;
        pread) head -c "$3" /dev/zero;;
        can_write) exit 0;;
        pwrite) cat > /dev/null;;
        *) exit 2;;
      esac
      """;

  @Test
  void an_unknown_export_is_refused() throws IOException {
    Path image = SparseFile.withSize(directory.resolve("image"), 64 << 20);
    try (NbdServer server = NbdServer.qemuNbd(directory, image)) {
      refused(server.uri().replace("volume%20one", "other"), "other", "offers this export");
    }
  }

  @Test
  void a_target_that_is_not_there_is_named_with_what_to_look_at() {
    String uri = "iscsi://127.0.0.1:" + FreePorts.one() + "/iqn.2026-01.test:none/1";
    refused(uri, uri, "target runs", "iqn.2026-01.io.curvefs:");
  }

  @Test
  void a_target_is_asked_for_the_right_unit_user_and_permission() throws IOException {
    Path image = SparseFile.withSize(directory.resolve("image"), 64 << 20);
    try (TgtServer target = new TgtServer(directory, image)) {
      refused(target.uri().replace("test:volume", "test:other"), "cannot be opened", "target runs");
      refused(target.uri().replaceFirst("1$", "7"), "cannot be opened");
      target.unit("readonly=1");
      refused(target.uri(), "write-protected");
      target.unit("readonly=0");
      target.demandUser("anna", "secretsecret");
      refused(target.uri(), "user and password");
      String withUser = target.uri().replace("iscsi://", "iscsi://anna%secretsecret@");
      BlockDevices.open(withUser, OPTIONS).close();
      String withWrong = target.uri().replace("iscsi://", "iscsi://anna%wrongwrongwrong@");
      assertThatThrownBy(() -> BlockDevices.open(withWrong, OPTIONS))
          .isInstanceOf(IOException.class)
          .hasMessageNotContaining("wrongwrong");
    }
  }

  @Test
  void options_have_ranges() {
    assertThatThrownBy(() -> OPTIONS.withTimeout(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> OPTIONS.withConnectionsMax(0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(DeviceOptions.DEFAULT.timeout()).isEqualTo(Duration.ofSeconds(30));
  }
}

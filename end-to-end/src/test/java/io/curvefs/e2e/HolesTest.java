package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Cluster;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.SharedCluster;
import io.curvefs.e2e.testing.Shell;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Holes that fallocate(1) makes, on a bucket and on a volume. */
@Timeout(300)
class HolesTest {
  private static final String HOLES =
      """
      head -c 1000000 /dev/urandom > f; cp f model
      fallocate -p -o 100000 -l 500000 f
      dd if=/dev/zero of=model bs=1000 seek=100 count=500 conv=notrunc 2> /dev/null
      cmp f model && echo same
      stat -c %s f
      echo 3 > /proc/sys/vm/drop_caches; cmp f model && echo still
      fallocate -l 2000000 g 2> /dev/null || echo refused
      python3 -c 'import os; os.posix_fallocate(os.open("h", os.O_RDWR | os.O_CREAT), 0, 70000)'
      stat -c %s h
      """;

  @Test
  void a_file_in_a_bucket_gets_holes() {
    Mount mount = SharedCluster.get().mount(SharedCluster.newFileSystem());
    try {
      assertThat(Shell.bash(mount.root(), HOLES))
          .isEqualTo("same\n1000000\nstill\nrefused\n70000\n");
    } finally {
      mount.unmount();
    }
  }

  @Test
  void a_file_on_a_volume_gets_holes_and_needs_less_space(@TempDir Path directory)
      throws IOException {
    Path volume = directory.resolve("volume");
    try (RandomAccessFile sparse = new RandomAccessFile(volume.toFile(), "rw")) {
      sparse.setLength(300L << 20);
    }
    Cluster cluster = SharedCluster.get();
    cluster.fs("create", "holes", "--volume", "file://" + volume).ok();
    Mount mount = cluster.mount("holes");
    try {
      assertThat(
              Shell.bash(mount.root(), HOLES + "stat -c %b f; df -B1 . | awk 'NR==2 {print $2}'"))
          .isEqualTo("same\n1000000\nstill\nrefused\n70000\n992\n" + (299L << 20) + "\n");
    } finally {
      mount.unmount();
    }
  }
}

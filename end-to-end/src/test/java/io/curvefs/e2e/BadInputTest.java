package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Cluster;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.SharedCluster;
import io.curvefs.e2e.testing.Shell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What users get wrong: one line that names the thing and the remedy. */
@Timeout(120)
class BadInputTest {
  private static Cluster cluster;
  private static String fileSystem;

  @TempDir private Path dir;

  @BeforeAll
  static void start() {
    cluster = SharedCluster.get();
    fileSystem = SharedCluster.newFileSystem();
  }

  private String mountError(Object spec, Object directory, String options) {
    return Shell.run(
            Checkout.MOUNT,
            spec,
            directory,
            "-o",
            "cache_dir=" + dir.resolve("cache") + ",log_file=" + dir.resolve("log") + options)
        .oneLineError();
  }

  private String createError(String name, String... arguments) {
    Object[] command = new Object[2 + arguments.length];
    command[0] = "create";
    command[1] = name;
    System.arraycopy(arguments, 0, command, 2, arguments.length);
    return cluster.fs(command).oneLineError();
  }

  @Test
  void mounting_something_that_is_no_spec() {
    assertThat(mountError("nonsense", dir, "")).contains("nonsense", "HOST:PORT", "/FSNAME");
    assertThat(mountError("host:port/fs", dir, "")).contains("host:port");
  }

  @Test
  void mounting_a_file_system_that_does_not_exist() {
    assertThat(mountError(cluster.addresses() + "/nosuch", dir, ""))
        .contains("no file system 'nosuch'", fileSystem);
  }

  @Test
  void mounting_from_metaservers_that_do_not_answer() {
    assertThat(mountError("127.0.0.1:1/" + fileSystem, dir, ""))
        .contains("127.0.0.1:1", "is it running?");
  }

  @Test
  void mounting_where_nothing_can_be_mounted() throws IOException {
    String spec = cluster.addresses() + "/" + fileSystem;
    assertThat(mountError(spec, dir.resolve("absent"), "")).contains("does not exist", "mkdir");
    Path file = Files.createFile(dir.resolve("file"));
    assertThat(mountError(spec, file, "")).contains("not a directory");
    Mount mount = cluster.mount(fileSystem);
    assertThat(mountError(spec, mount.root(), "")).contains("mounted already", "curvefs umount");
    mount.unmount();
  }

  @Test
  void mount_options_that_are_unknown_or_wrong() {
    String spec = cluster.addresses() + "/" + fileSystem;
    assertThat(mountError(spec, dir, ",cache_siez=1G")).contains("cache_siez", "--help");
    assertThat(mountError(spec, dir, ",cache_size=much")).contains("cache_size=much", "20G");
    assertThat(mountError(spec, dir, ",cache_free=tenth")).contains("cache_free=tenth", "10%");
    assertThat(mountError(spec, dir, ",cache_populate=none")).contains("cache_populate=none");
    assertThat(mountError(spec, dir, ",subdir=/nowhere")).contains("subdir=/nowhere");
    assertThat(mountError(spec, dir, ",threads=0")).contains("threads");
  }

  @Test
  void creating_with_bad_keys_or_without_a_bucket() {
    String[] good = {
      "--bucket",
      Cluster.BUCKET,
      "--endpoint",
      cluster.endpoint(),
      "--access-key",
      Cluster.ACCESS_KEY
    };
    assertThat(createError("bad", with(good, "--secret-key", "wrong")))
        .contains("denied", "--secret-key")
        .doesNotContain("wrong");
    assertThat(
            createError(
                "bad",
                "--bucket",
                "no-such-bucket",
                "--endpoint",
                cluster.endpoint(),
                "--access-key",
                Cluster.ACCESS_KEY,
                "--secret-key",
                Cluster.SECRET_KEY))
        .contains("no-such-bucket", "does not exist");
    assertThat(createError("bad", good)).contains("--secret-key");
    assertThat(createError("Bad_Name", with(good, "--secret-key", Cluster.SECRET_KEY)))
        .contains("Bad_Name", "lower-case");
    assertThat(createError(fileSystem, with(good, "--secret-key", Cluster.SECRET_KEY)))
        .contains("already");
    assertThat(cluster.fs("list").ok().out()).doesNotContain("bad ");
  }

  private static String[] with(String[] arguments, String... more) {
    String[] all = Arrays.copyOf(arguments, arguments.length + more.length);
    System.arraycopy(more, 0, all, arguments.length, more.length);
    return all;
  }

  private String cacheClusterError(Object... arguments) {
    return cluster.cacheCluster(arguments).oneLineError();
  }

  @Test
  void registering_memcached_servers_that_are_none_or_do_not_answer() {
    assertThat(cacheClusterError("add", "c", "nonsense")).contains("'nonsense'", "HOST:PORT");
    assertThat(cacheClusterError("add", "c", "127.0.0.1:1,")).contains("HOST:PORT");
    assertThat(cacheClusterError("add", "c", "127.0.0.1:1"))
        .contains("127.0.0.1:1", "is it running", "--force");
    assertThat(cacheClusterError("add", "c", "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3"))
        .contains("127.0.0.1:1", "2 more");
    assertThat(cacheClusterError("add", "c", "no-such-host.invalid:11211"))
        .contains("no-such-host.invalid:11211", "unknown host name");
    assertThat(cacheClusterError("add", "c", cluster.endpoint().replace("http://", "")))
        .contains("it is no memcached");
    assertThat(cacheClusterError("add", "c", "127.0.0.1:0", "--force")).contains("127.0.0.1:0");
    assertThat(cacheClusterError("add", "C_1", "127.0.0.1:1", "--force"))
        .contains("C_1", "lower-case");
    assertThat(cacheClusterError("add", "c", "127.0.0.1:1,127.0.0.1:1", "--force"))
        .contains("twice");
    assertThat(cluster.cacheCluster("list").ok().out()).doesNotContain("127.0.0.1");
  }

  @Test
  void binding_and_removing_memcached_clusters_that_are_not_there_or_in_use() {
    assertThat(cacheClusterError("bind", "absent", "--fs", fileSystem))
        .contains("no memcached cluster 'absent'", "cachecluster add");
    assertThat(cacheClusterError("remove", "absent")).contains("'absent'", "there is none");
    assertThat(createError("bad", "--bucket", Cluster.BUCKET, "--cache-cluster", "absent"))
        .contains("no memcached cluster 'absent'", "cachecluster add");
    cluster.cacheCluster("add", "used", "127.0.0.1:1", "--force").ok();
    try {
      assertThat(cacheClusterError("add", "used", "127.0.0.1:2", "--force"))
          .contains("'used'", "--replace");
      assertThat(cacheClusterError("bind", "used", "--fs", "nosuch"))
          .contains("no file system 'nosuch'", fileSystem);
      cluster.cacheCluster("bind", "used", "--fs", fileSystem).ok();
      assertThat(cacheClusterError("remove", "used"))
          .contains("'used'", fileSystem, "curvefs cachecluster unbind --fs");
      assertThat(cluster.fs("info", fileSystem).ok().out()).containsPattern("cache_cluster +used");
      assertThat(cluster.cacheCluster("list").ok().out())
          .contains("used by " + fileSystem, "127.0.0.1:1", "does not answer");
      cluster.cacheCluster("unbind", "--fs", fileSystem).ok();
      assertThat(cacheClusterError("remove", "absent")).contains("'absent'", "there are: used");
    } finally {
      cluster.cacheCluster("unbind", "--fs", fileSystem).ok();
      cluster.cacheCluster("remove", "used").ok();
    }
  }

  @Test
  void asking_metaservers_that_do_not_answer() {
    assertThat(Shell.run(Checkout.CURVEFS, "fs", "list", "--meta", "127.0.0.1:1").oneLineError())
        .contains("127.0.0.1:1", "is it running?");
  }

  @Test
  void a_metaserver_on_a_directory_of_another_server_or_cluster() {
    Path data = cluster.dataDirectory(1);
    String address = cluster.address(1);
    String other = "127.0.0.1:" + (Integer.parseInt(address.split(":")[1]) + 1000);
    Path copy = dir.resolve("copy");
    Shell.bash(dir, "mkdir copy && cp " + data + "/identity.properties copy/");

    assertThat(metaserverError("--id", "1", "--listen", address, "--data-dir", data.toString()))
        .contains("another metaserver is running");
    assertThat(metaserverError("--id", "2", "--listen", other, "--data-dir", copy.toString()))
        .contains("belongs to server 1");
    assertThat(metaserverError("--id", "1", "--listen", other, "--data-dir", copy.toString()))
        .contains("belongs to the cluster of", "--peers");
  }

  @Test
  void a_metaserver_with_bad_options() throws IOException {
    assertThat(metaserverError("--id", "1")).contains("--listen");
    assertThat(
            metaserverError(
                "--id",
                "1",
                "--listen",
                "127.0.0.1:9",
                "--data-dir",
                dir.toString(),
                "--peers",
                "x"))
        .contains("--peers", "ID=HOST:PORT");
    Path config = dir.resolve("config");
    Files.writeString(config, "id = 1\nlisen = 127.0.0.1:9\n");
    assertThat(metaserverError("--config", config.toString())).contains("lisen", "--help");
  }

  private static String metaserverError(String... arguments) {
    Object[] command = new Object[2 + arguments.length];
    command[0] = Checkout.CURVEFS;
    command[1] = "metaserver";
    System.arraycopy(arguments, 0, command, 2, arguments.length);
    return Shell.run(command).oneLineError();
  }

  @Test
  void unmounting_what_is_not_ours_or_in_use() throws IOException {
    assertThat(Shell.run(Checkout.CURVEFS, "umount", dir).oneLineError())
        .contains("not a CurveFS mount point");
    Mount mount = cluster.mount(fileSystem);
    Files.writeString(mount.path("f"), "x");
    try (var open = Files.newInputStream(mount.path("f"))) {
      assertThat(open.read()).isEqualTo('x');
      assertThat(Shell.run(Checkout.CURVEFS, "umount", mount.root()).oneLineError())
          .contains("in use", "fuser");
    }
    mount.unmount();
    assertThat(Shell.run(Checkout.CURVEFS, "stats", dir).oneLineError())
        .contains("not in a CurveFS mount");
  }

  @Test
  void a_bucket_that_was_emptied_or_taken_away() {
    Cluster own = new Cluster(1);
    try {
      own.createFileSystem("gone");
      Shell.bash(own.directory(), "rm -rf s3/" + Cluster.BUCKET + "/*");
      assertThat(mountErrorOf(own)).contains("gone", "emptied");
      Shell.bash(own.directory(), "rm -rf s3/" + Cluster.BUCKET);
      assertThat(mountErrorOf(own)).contains(Cluster.BUCKET, "does not exist");
      own.s3().kill();
      assertThat(mountErrorOf(own)).contains(own.endpoint(), "endpoint");
    } finally {
      own.close();
    }
  }

  private String mountErrorOf(Cluster own) {
    return mountError(own.addresses() + "/gone", dir, "");
  }
}

package io.curvefs.client.fuse.jnr;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.curvefs.client.testing.LocalCluster;
import io.curvefs.client.testing.LocalMount;
import io.curvefs.client.vfs.Caller;
import io.curvefs.error.Refusal;
import io.curvefs.proto.FileType;
import io.curvefs.time.WallClock;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Each request is answered once, also when whoever asked is gone; no open is left behind. */
@Timeout(60)
class OperationsTest {
  private static final long REQUEST = 77;
  private static final int GONE = -Refusal.ENOENT.code();
  private static LocalCluster cluster;
  private static LocalMount mount;
  private static long root;

  private final long context = Memory.allocate(16);
  private final long fileInfo = Memory.allocate(64);
  private final long name = Memory.allocate(16);

  /** What libfuse was told, in order. */
  private final List<String> answers = new ArrayList<>();

  private Operations operations;
  private Answer answerToOpen = () -> GONE;

  /** What libfuse returns to a reply. */
  @FunctionalInterface
  private interface Answer {
    int give() throws IOException;
  }

  @BeforeAll
  static void start(@TempDir Path directory) throws IOException {
    cluster = LocalCluster.start(directory, 1, 3);
    cluster.createFileSystem("fs");
    mount = new LocalMount(cluster, "fs");
    root = mount.vfs.root().value();
  }

  @AfterAll
  static void stop() throws IOException {
    mount.close();
    cluster.close();
  }

  @BeforeEach
  void wire() {
    Replies replies = new Replies(libFuse(), 1, 1, 0, errno -> {});
    operations =
        new Operations(
            mount.vfs,
            replies,
            new FuseMetrics(new SimpleMeterRegistry()),
            WallClock.SYSTEM,
            inode -> {},
            null);
  }

  /** A libfuse whose kernel answers replies to opens as the test says. */
  private LibFuse libFuse() {
    return (LibFuse)
        Proxy.newProxyInstance(
            LibFuse.class.getClassLoader(),
            new Class<?>[] {LibFuse.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("fuse_req_ctx")) {
                return context;
              }
              assertThat(arguments[0]).isEqualTo(REQUEST);
              answers.add(method.getName());
              return switch (method.getName()) {
                case "fuse_reply_open", "fuse_reply_buf", "fuse_reply_create" ->
                    answerToOpen.give();
                case "fuse_reply_err" -> 0;
                default -> throw new AssertionError(method);
              };
            });
  }

  private void create(String file) {
    Memory.putString(name, file.getBytes(StandardCharsets.UTF_8));
    operations.create(REQUEST, root, name, 0644, fileInfo);
  }

  private long file(String file) throws IOException {
    return mount
        .vfs
        .make(
            new Caller(0, 0),
            mount.vfs.root(),
            ByteString.copyFromUtf8(file),
            FileType.REGULAR,
            0644,
            0)
        .id()
        .value();
  }

  @Test
  void an_open_whose_caller_is_gone_is_ended_again() throws IOException {
    create("a");
    operations.open(REQUEST, file("b"), fileInfo);
    operations.opendir(REQUEST, root, fileInfo);

    assertThat(answers).containsExactly("fuse_reply_create", "fuse_reply_buf", "fuse_reply_open");
    assertThat(mount.vfs.openHandles()).isZero();
  }

  @Test
  void a_request_is_not_answered_twice_when_ending_its_open_fails() throws IOException {
    long file = file("c");
    answerToOpen = this::releasedBefore;
    create("d");
    operations.open(REQUEST, file, fileInfo);
    answerToOpen =
        () -> {
          mount.vfs.releaseDirectory(Replies.handle(fileInfo));
          return GONE;
        };
    operations.opendir(REQUEST, root, fileInfo);

    assertThat(answers).containsExactly("fuse_reply_create", "fuse_reply_buf", "fuse_reply_open");
    assertThat(mount.vfs.openHandles()).isZero();
  }

  /** So that the release that follows is refused. */
  private int releasedBefore() throws IOException {
    mount.vfs.release(Replies.handle(fileInfo));
    return GONE;
  }

  @Test
  void a_create_that_fails_once_the_file_is_open_leaves_no_handle() {
    answerToOpen =
        () -> {
          throw new IOException("what the answer needs cannot be had");
        };
    create("e");

    assertThat(answers).containsExactly("fuse_reply_create", "fuse_reply_err");
    assertThat(mount.vfs.openHandles()).isZero();
  }
}

package io.curvefs.client.meta;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.curvefs.client.testing.LocalCluster;
import io.curvefs.client.testing.LocalMount;
import io.curvefs.client.vfs.Caller;
import io.curvefs.client.vfs.Vfs;
import io.curvefs.id.InodeId;
import io.curvefs.proto.FileChunks;
import io.curvefs.proto.FileType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The read of many files' attributes and extents at once. */
@Timeout(60)
class ManyFilesTest {
  private static final Caller CALLER = new Caller(0, 0);

  private LocalCluster cluster;
  private LocalMount mount;
  private NamespaceClient namespace;

  @BeforeEach
  void mount(@TempDir Path directory) throws IOException {
    cluster = LocalCluster.start(directory, 1, 3);
    cluster.createFileSystem("fs");
    mount = new LocalMount(cluster, "fs");
    namespace = new NamespaceClient(mount.meta, MetaOptions.DEFAULTS);
  }

  @AfterEach
  void unmount() throws IOException {
    mount.close();
    cluster.close();
  }

  private InodeId file(InodeId directory, String name, long... oneByteAt) throws IOException {
    Vfs.Opened opened =
        mount.vfs.createOpen(CALLER, directory, ByteString.copyFromUtf8(name), 0644);
    for (long at : oneByteAt) {
      mount.vfs.write(opened.handle(), at, ByteBuffer.wrap(new byte[] {1}));
    }
    mount.vfs.flush(opened.handle());
    InodeId inode = mount.vfs.inodeOf(opened.handle());
    mount.vfs.release(opened.handle());
    return inode;
  }

  @Test
  void many_files_of_a_directory_are_one_request_and_what_is_gone_is_left_out() throws IOException {
    List<InodeId> files = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      files.add(file(InodeId.ROOT, "f" + i, i));
    }
    mount.meta.reportOpensNow(); // what is known to be closed goes with its name
    mount.vfs.unlink(InodeId.ROOT, ByteString.copyFromUtf8("f7"));
    double before = mount.requests("GET_FILES");

    List<FileChunks> found = namespace.files(files, 2);

    assertThat(mount.requests("GET_FILES") - before).isEqualTo(1);
    assertThat(found).hasSize(49);
    for (FileChunks file : found) {
      assertThat(file.getChunksKnown()).isEqualTo(2);
      assertThat(file.getChunksList()).hasSize(1);
      assertThat(file.getChunks(0).getChunk().getExtents(0).getChunkOffset())
          .isEqualTo((int) file.getInode().getLength() - 1);
    }
    assertThat(namespace.lastSeen(files.get(3))).as("attributes are remembered").isNotNull();
  }

  @Test
  void files_of_several_groups_are_asked_of_each() throws IOException {
    List<InodeId> files = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      InodeId directory =
          mount
              .vfs
              .make(
                  CALLER,
                  InodeId.ROOT,
                  ByteString.copyFromUtf8("d" + i),
                  FileType.DIRECTORY,
                  0755,
                  0)
              .id();
      files.add(file(directory, "f", 0));
    }
    double before = mount.requests("GET_FILES");

    assertThat(namespace.files(files, 1)).hasSize(30);
    assertThat(mount.requests("GET_FILES") - before).isBetween(2.0, 3.0);
  }

  @Test
  void only_the_chunks_that_were_asked_for_come() throws IOException {
    InodeId sparse = file(InodeId.ROOT, "sparse", 0, 64L << 20, 192L << 20);

    FileChunks two = namespace.files(List.of(sparse), 2).get(0);
    FileChunks all = namespace.files(List.of(sparse), 4).get(0);

    assertThat(two.getChunksList()).extracting(chunk -> chunk.getIndex()).containsExactly(0, 1);
    assertThat(all.getChunksList()).extracting(chunk -> chunk.getIndex()).containsExactly(0, 1, 3);
  }

  @Test
  void files_of_too_many_extents_for_one_answer_come_in_several() throws IOException {
    long[] scattered = new long[20_000];
    for (int i = 0; i < scattered.length; i++) {
      scattered[i] = i * 64L;
    }
    List<InodeId> files = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      files.add(file(InodeId.ROOT, "scattered" + i, scattered));
    }
    double before = mount.requests("GET_FILES");

    List<FileChunks> found = namespace.files(files, 1);

    Set<Long> ids = found.stream().map(file -> file.getInode().getId()).collect(Collectors.toSet());
    assertThat(ids).hasSize(4);
    assertThat(mount.requests("GET_FILES") - before).isEqualTo(2);
  }
}

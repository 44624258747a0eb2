package io.curvefs.metaserver.partition;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.testing.Invariants;
import io.curvefs.proto.ChunkExtents;
import io.curvefs.proto.CommitExtents;
import io.curvefs.proto.Create;
import io.curvefs.proto.Extent;
import io.curvefs.proto.FileType;
import io.curvefs.proto.Inode;
import io.curvefs.proto.Link;
import io.curvefs.proto.MutateRequest;
import io.curvefs.proto.Outcome;
import io.curvefs.proto.RemoveDir;
import io.curvefs.proto.Rename;
import io.curvefs.proto.SetAttributes;
import io.curvefs.proto.Unlink;
import io.curvefs.slice.Layout;
import io.curvefs.slice.Overlay;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** Random operations, compared with a file system made of plain Java maps. */
class NamespaceModelTest {
  private static final int STEPS = 400;
  private static final String[] NAMES = {"a", "b", "c", "d"};

  /** Offsets around which files are written and cut: the beginning, and the seams of chunks. */
  private static final long[] PLACES = {0, Layout.CHUNK_BYTES - 3L, 2L * Layout.CHUNK_BYTES - 5};

  private static final class Node {
    final long id;
    final FileType type;
    int links;
    long length;
    final Map<String, Node> children = new TreeMap<>();

    /** What each written byte shows: slice * 1000 + offset in it. Absent: zero. */
    final Map<Long, Long> bytes = new HashMap<>();

    Node(long id, FileType type) {
      this.id = id;
      this.type = type;
    }
  }

  private final Node root = new Node(1, FileType.DIRECTORY);
  private final List<Node> directories = new ArrayList<>(List.of(root));
  private final List<Node> files = new ArrayList<>();
  private long nextSlice = 1;

  @Property(tries = 60)
  void behaves_as_the_model_and_replays_to_the_same_bytes(@ForAll long seed) throws Exception {
    NamespaceModelTest model = new NamespaceModelTest();
    Machine machine = new Machine(3);
    Random random = new Random(seed);
    for (int step = 0; step < STEPS; step++) {
      model.step(machine, random);
    }
    model.compare(machine, model.root);
    Invariants.check(Machine.FILE_SYSTEM, List.of(machine.rows));
    assertThat(machine.replay().dump()).isEqualTo(machine.rows.dump());
  }

  private void step(Machine machine, Random random) throws Exception {
    switch (random.nextInt(9)) {
      case 0, 1 -> create(machine, random, FileType.REGULAR);
      case 2 -> create(machine, random, FileType.DIRECTORY);
      case 3 -> unlink(machine, random);
      case 4 -> removeDir(machine, random);
      case 5 -> link(machine, random);
      case 6 -> rename(machine, random);
      case 7 -> write(machine, random);
      default -> truncate(machine, random);
    }
  }

  private static <T> T pick(List<T> list, Random random) {
    return list.get(random.nextInt(list.size()));
  }

  private static String name(Random random) {
    return NAMES[random.nextInt(NAMES.length)];
  }

  private static ByteString bytes(String name) {
    return ByteString.copyFromUtf8(name);
  }

  /** What the machine answers, as the refusal or null. */
  private static Refusal refusal(Machine machine, MutateRequest.Builder request) {
    try {
      assertThat(machine.execute(request).getKind()).isEqualTo(Outcome.Kind.APPLIED);
      return null;
    } catch (RefusedException e) {
      return e.refusal();
    }
  }

  private void create(Machine machine, Random random, FileType type) throws Exception {
    Node parent = pick(directories, random);
    String name = name(random);
    MutateRequest.Builder request =
        MutateRequest.newBuilder()
            .setCreate(
                Create.newBuilder()
                    .setParent(parent.id)
                    .setName(bytes(name))
                    .setType(type)
                    .setMode(0644));
    if (parent.children.containsKey(name)) {
      assertThat(refusal(machine, request)).isEqualTo(Refusal.EEXIST);
      return;
    }
    Outcome outcome = machine.execute(request);
    Node node = new Node(outcome.getInode().getId(), type);
    node.links = 1;
    parent.children.put(name, node);
    (type == FileType.DIRECTORY ? directories : files).add(node);
  }

  private void unlink(Machine machine, Random random) {
    Node parent = pick(directories, random);
    String name = name(random);
    Node child = parent.children.get(name);
    Refusal expected =
        child == null ? Refusal.ENOENT : child.type == FileType.DIRECTORY ? Refusal.EISDIR : null;
    assertThat(
            refusal(
                machine,
                MutateRequest.newBuilder()
                    .setUnlink(Unlink.newBuilder().setParent(parent.id).setName(bytes(name)))))
        .isEqualTo(expected);
    if (expected == null) {
      parent.children.remove(name);
      drop(child);
    }
  }

  private void drop(Node file) {
    if (--file.links == 0) {
      files.remove(file);
    }
  }

  private void removeDir(Machine machine, Random random) {
    Node parent = pick(directories, random);
    String name = name(random);
    Node child = parent.children.get(name);
    Refusal expected =
        child == null
            ? Refusal.ENOENT
            : child.type != FileType.DIRECTORY
                ? Refusal.ENOTDIR
                : child.children.isEmpty() ? null : Refusal.ENOTEMPTY;
    assertThat(
            refusal(
                machine,
                MutateRequest.newBuilder()
                    .setRemoveDir(
                        RemoveDir.newBuilder().setParent(parent.id).setName(bytes(name)))))
        .isEqualTo(expected);
    if (expected == null) {
      parent.children.remove(name);
      directories.remove(child);
    }
  }

  private void link(Machine machine, Random random) {
    if (files.isEmpty()) {
      return;
    }
    Node file = pick(files, random);
    Node parent = pick(directories, random);
    String name = name(random);
    Refusal expected = parent.children.containsKey(name) ? Refusal.EEXIST : null;
    assertThat(
            refusal(
                machine,
                MutateRequest.newBuilder()
                    .setLink(
                        Link.newBuilder()
                            .setInode(file.id)
                            .setParent(parent.id)
                            .setName(bytes(name)))))
        .isEqualTo(expected);
    if (expected == null) {
      parent.children.put(name, file);
      file.links++;
    }
  }

  private void rename(Machine machine, Random random) {
    Node from = pick(directories, random);
    Node to = pick(directories, random);
    String name = name(random);
    String newName = name(random);
    Node moved = from.children.get(name);
    Node target = to.children.get(newName);
    Refusal expected = renameRefusal(moved, to, target);
    assertThat(
            refusal(
                machine,
                MutateRequest.newBuilder()
                    .setRename(
                        Rename.newBuilder()
                            .setParent(from.id)
                            .setName(bytes(name))
                            .setNewParent(to.id)
                            .setNewName(bytes(newName)))))
        .isEqualTo(expected);
    if (expected != null || moved == target) {
      return;
    }
    from.children.remove(name);
    to.children.put(newName, moved);
    if (target != null && target.type == FileType.DIRECTORY) {
      directories.remove(target);
    } else if (target != null) {
      drop(target);
    }
  }

  private static Refusal renameRefusal(Node moved, Node to, Node target) {
    if (moved == null) {
      return Refusal.ENOENT;
    }
    if (moved == target) {
      return null;
    }
    boolean directory = moved.type == FileType.DIRECTORY;
    if (directory && isBelow(moved, to)) {
      return Refusal.EINVAL;
    }
    if (target == null) {
      return null;
    }
    if (directory && target.type != FileType.DIRECTORY) {
      return Refusal.ENOTDIR;
    }
    if (!directory && target.type == FileType.DIRECTORY) {
      return Refusal.EISDIR;
    }
    return target.children.isEmpty() ? null : Refusal.ENOTEMPTY;
  }

  private static boolean isBelow(Node ancestor, Node node) {
    return ancestor == node
        || ancestor.children.values().stream()
            .anyMatch(child -> child.type == FileType.DIRECTORY && isBelow(child, node));
  }

  private void write(Machine machine, Random random) throws Exception {
    if (files.isEmpty()) {
      return;
    }
    Node file = pick(files, random);
    long slice = nextSlice++;
    long offset = PLACES[random.nextInt(PLACES.length)] + random.nextInt(4);
    int length = 1 + random.nextInt(6);
    CommitExtents.Builder commit = CommitExtents.newBuilder().setInode(file.id);
    int done = 0;
    while (done < length) {
      long at = offset + done;
      int count = (int) Math.min(length - done, Layout.CHUNK_BYTES - at % Layout.CHUNK_BYTES);
      commit.addChunks(
          ChunkExtents.newBuilder()
              .setIndex(Layout.chunkIndex(at))
              .addExtents(
                  Extent.newBuilder()
                      .setChunkOffset(Layout.chunkOffset(at))
                      .setLength(count)
                      .setSlice(slice)
                      .setSliceOffset(done)
                      .setSliceLength(length)));
      done += count;
    }
    machine.execute(MutateRequest.newBuilder().setCommit(commit.setLength(offset + length)));
    for (int i = 0; i < length; i++) {
      file.bytes.put(offset + i, slice * 1000 + i);
    }
    file.length = Math.max(file.length, offset + length);
  }

  private void truncate(Machine machine, Random random) throws Exception {
    if (files.isEmpty()) {
      return;
    }
    Node file = pick(files, random);
    long length = PLACES[random.nextInt(PLACES.length)] + random.nextInt(6);
    machine.execute(
        MutateRequest.newBuilder()
            .setSetAttributes(SetAttributes.newBuilder().setInode(file.id).setLength(length)));
    file.bytes.keySet().removeIf(offset -> offset >= length);
    file.length = length;
  }

  private void compare(Machine machine, Node node) {
    Namespace namespace = machine.namespace();
    Inode inode = namespace.inode(new InodeId(node.id));
    assertThat(inode.getType()).isEqualTo(node.type);
    if (node.type == FileType.DIRECTORY) {
      List<String> names =
          namespace.list(new InodeId(node.id), ByteString.EMPTY, 100).stream()
              .map(entry -> entry.name().toStringUtf8())
              .toList();
      assertThat(names).containsExactlyElementsOf(node.children.keySet());
      node.children.values().forEach(child -> compare(machine, child));
      return;
    }
    assertThat(inode.getNlink()).isEqualTo(node.links);
    assertThat(inode.getLength()).isEqualTo(node.length);
    Map<Long, Long> shown = new HashMap<>();
    for (Namespace.IndexedChunk chunk : namespace.chunksFrom(new InodeId(node.id), 0, 10)) {
      for (Extent piece : Overlay.of(chunk.chunk().getExtentsList()).flattened()) {
        for (int i = 0; i < piece.getLength(); i++) {
          long at = (long) chunk.index() * Layout.CHUNK_BYTES + piece.getChunkOffset() + i;
          shown.put(at, piece.getSlice() * 1000 + piece.getSliceOffset() + i);
        }
      }
    }
    assertThat(shown).isEqualTo(node.bytes);
  }
}

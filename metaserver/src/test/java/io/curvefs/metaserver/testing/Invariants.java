package io.curvefs.metaserver.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.id.InodeId;
import io.curvefs.metaserver.partition.Namespace;
import io.curvefs.metaserver.partition.SpaceAudit;
import io.curvefs.metaserver.partition.SpaceRows;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View;
import io.curvefs.proto.BlockExtent;
import io.curvefs.proto.Chunk;
import io.curvefs.proto.Dentry;
import io.curvefs.proto.FileType;
import io.curvefs.proto.HeldBlockGroup;
import io.curvefs.proto.Inode;
import io.curvefs.proto.JournalMark;
import io.curvefs.proto.Partition;
import io.curvefs.slice.Overlay;
import io.curvefs.space.BlockRange;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** What must hold of a file system's rows whenever no change is under way. */
public final class Invariants {
  private static final int ALL = Integer.MAX_VALUE - 1;

  private Invariants() {}

  /** Checks a file system whose rows are spread over these views. */
  public static void check(int fileSystem, Collection<? extends View> views) {
    Map<Long, Inode> inodes = new TreeMap<>();
    Map<Long, Integer> names = new HashMap<>();
    Map<Long, Integer> entries = new HashMap<>();
    Map<Long, Integer> subdirectories = new HashMap<>();
    Set<Long> orphans = new HashSet<>();
    for (View view : views) {
      assertThat(view.scan(Keys.prepared(), null, ALL)).as("prepared transactions").isEmpty();
      assertThat(view.scan(Keys.lock(new byte[0]), null, ALL)).as("locks").isEmpty();
      byte[] anyInode = Arrays.copyOf(Keys.inode(fileSystem, 0), 5);
      for (View.Row row : view.scan(anyInode, null, ALL)) {
        Inode inode = Namespace.parse(row.value(), Inode.parser());
        assertThat(inodes.put(inode.getId(), inode)).as("inode in two groups").isNull();
      }
      for (View.Row row : view.scan(Keys.orphans(), null, ALL)) {
        if (Keys.fileSystemOf(row.key()) == fileSystem) {
          orphans.add(Keys.inodeOf(row.key()));
        }
      }
      byte[] anyDentry = Arrays.copyOf(Keys.dentries(fileSystem, 0), 5);
      for (View.Row row : view.scan(anyDentry, null, ALL)) {
        Dentry dentry = Namespace.parse(row.value(), Dentry.parser());
        long parent = Keys.inodeOf(row.key());
        names.merge(dentry.getChild(), 1, Integer::sum);
        entries.merge(parent, 1, Integer::sum);
        if (dentry.getType() == FileType.DIRECTORY) {
          subdirectories.merge(parent, 1, Integer::sum);
        }
      }
    }
    inodes.forEach(
        (id, inode) -> {
          assertThat(inode.getJournalMarksList().stream().map(JournalMark::getWriter))
              .as("journals that %d remembers", id)
              .hasSizeLessThanOrEqualTo(4)
              .doesNotHaveDuplicates();
          if (inode.getType() == FileType.DIRECTORY) {
            assertThat(inode.getEntries())
                .as("entries of %d", id)
                .isEqualTo(entries.getOrDefault(id, 0).longValue());
            assertThat(inode.getNlink())
                .as("links of directory %d", id)
                .isEqualTo(2 + subdirectories.getOrDefault(id, 0));
            assertThat(names.getOrDefault(id, 0))
                .as("names of directory %d", id)
                .isEqualTo(id == InodeId.ROOT.value() ? 0 : 1);
          } else {
            assertThat(inode.getNlink())
                .as("links of file %d", id)
                .isEqualTo(names.getOrDefault(id, 0));
            assertThat(orphans.contains(id)).as("orphan %d", id).isEqualTo(inode.getNlink() == 0);
          }
        });
    assertThat(inodes.keySet()).as("inodes with names").containsAll(names.keySet());
    assertThat(inodes.keySet()).as("inodes with entries").containsAll(entries.keySet());
    checkParents(inodes, views, fileSystem);
    views.forEach(view -> checkSpace(fileSystem, view));
    checkSums(inodes, views, fileSystem);
  }

  /** Block by block, in another way than the server's own check, which must find the same. */
  public static void checkSpace(int fileSystem, View view) {
    Map<Long, String> owners = new HashMap<>();
    Map<Long, Integer> reserved = new HashMap<>();
    Map<Long, Integer> away = new HashMap<>();
    Map<Long, Integer> quarantined = new HashMap<>();
    for (View.Row row : view.scan(Keys.chunks(fileSystem), null, ALL)) {
      int end = 0;
      for (BlockExtent extent : Namespace.parse(row.value(), Chunk.parser()).getBlocksList()) {
        assertThat(extent.getChunkBlock()).as("order in a chunk").isGreaterThanOrEqualTo(end);
        assertThat(extent.getCount()).as("length of an extent").isPositive();
        end = extent.getChunkBlock() + extent.getCount();
        assertThat(end).as("end of an extent").isLessThanOrEqualTo(16_384);
        own(owners, extent.getAddress(), extent.getCount(), "inode " + Keys.inodeOf(row.key()));
      }
    }
    for (View.Row row : view.scan(Keys.reservations(fileSystem), null, ALL)) {
      BlockRange range = SpaceRows.blocksOf(row);
      own(owners, range.address(), range.count(), "session");
      for (BlockRange part : range.cutAtEvery(32_768)) {
        reserved.merge(part.address() >> 15, part.count(), Integer::sum);
        if (Keys.sessionOfReservation(row.key()) < 0) {
          away.merge(part.address() >> 15, part.count(), Integer::sum);
        }
      }
    }
    for (View.Row row : view.scan(Keys.quarantine(fileSystem), null, ALL)) {
      BlockRange range = SpaceRows.blocksOf(row);
      own(owners, range.address(), range.count(), "quarantine");
      range
          .cutAtEvery(32_768)
          .forEach(part -> quarantined.merge(part.address() >> 15, part.count(), Integer::sum));
    }
    Set<Long> set = new HashSet<>();
    for (View.Row row : view.scan(Keys.bitmaps(fileSystem), null, ALL)) {
      BitSet bits = BitSet.valueOf(row.value());
      assertThat(bits.isEmpty()).as("a segment without bits is no row").isFalse();
      bits.stream().forEach(bit -> set.add(Keys.addressOf(row.key()) + bit));
    }
    assertThat(set).as("bits set, and blocks with an owner").isEqualTo(owners.keySet());
    for (View.Row row : view.scan(Keys.heldBlockGroups(fileSystem), null, ALL)) {
      long address = Keys.addressOf(row.key());
      HeldBlockGroup group = Namespace.parse(row.value(), HeldBlockGroup.parser());
      int used = 0;
      for (long block = address; block < address + group.getBlocks(); block++) {
        used += set.remove(block) ? 1 : 0;
      }
      assertThat(group.getUsed()).as("used").isEqualTo(used);
      assertThat(group.getReserved())
          .as("reserved")
          .isEqualTo(reserved.getOrDefault(address >> 15, 0));
      assertThat(group.getAway())
          .as("another raft group's")
          .isEqualTo(away.getOrDefault(address >> 15, 0));
      assertThat(group.getQuarantined())
          .as("quarantined")
          .isEqualTo(quarantined.getOrDefault(address >> 15, 0));
    }
    assertThat(set).as("bits outside of block groups").isEmpty();
    assertThat(SpaceAudit.check(view, fileSystem).getProblemsList()).isEmpty();
  }

  private static void own(Map<Long, String> owners, long address, int count, String owner) {
    for (long block = address; block < address + count; block++) {
      String other = owners.put(block, owner);
      assertThat(other).as("owner of block %x besides %s", block, owner).isNull();
    }
  }

  private static void checkParents(
      Map<Long, Inode> inodes, Collection<? extends View> views, int fileSystem) {
    for (View view : views) {
      byte[] anyDentry = Arrays.copyOf(Keys.dentries(fileSystem, 0), 5);
      for (View.Row row : view.scan(anyDentry, null, ALL)) {
        Dentry dentry = Namespace.parse(row.value(), Dentry.parser());
        if (dentry.getType() == FileType.DIRECTORY) {
          assertThat(inodes.get(dentry.getChild()).getParent())
              .as("parent of %d", dentry.getChild())
              .isEqualTo(Keys.inodeOf(row.key()));
        }
      }
    }
    inodes.forEach(
        (id, inode) -> {
          long at = id;
          for (int depth = 0;
              inode.getType() == FileType.DIRECTORY && at != InodeId.ROOT.value();
              depth++) {
            assertThat(depth).as("depth of %d: a loop", id).isLessThan(10_000);
            at = inodes.get(at).getParent();
          }
        });
  }

  private static void checkSums(
      Map<Long, Inode> inodes, Collection<? extends View> views, int fileSystem) {
    Map<Integer, Long> count = new HashMap<>();
    Map<Integer, Long> bytes = new HashMap<>();
    inodes.forEach(
        (id, inode) -> {
          count.merge(new InodeId(id).partition(), 1L, Long::sum);
          if (inode.getType() == FileType.REGULAR) {
            bytes.merge(new InodeId(id).partition(), inode.getLength(), Long::sum);
          }
        });
    for (View view : views) {
      for (View.Row row : view.scan(Keys.partitions(fileSystem), null, ALL)) {
        int index = ByteBuffer.wrap(row.key()).getInt(5);
        Partition partition = Namespace.parse(row.value(), Partition.parser());
        assertThat(partition.getInodes())
            .as("inodes of partition %d", index)
            .isEqualTo(count.getOrDefault(index, 0L));
        assertThat(partition.getBytes())
            .as("bytes of partition %d", index)
            .isEqualTo(bytes.getOrDefault(index, 0L));
      }
      Namespace namespace = new Namespace(view, fileSystem);
      inodes.forEach(
          (id, inode) -> {
            if (inode.getType() == FileType.REGULAR && namespace.inode(new InodeId(id)) != null) {
              long allocated = 0;
              for (Namespace.IndexedChunk chunk :
                  namespace.chunksFrom(new InodeId(id), 0, 100_000)) {
                Chunk row = chunk.chunk();
                allocated += Overlay.of(row.getExtentsList()).allocated();
                allocated +=
                    row.getBlocksList().stream().mapToLong(e -> 4096L * e.getCount()).sum();
              }
              assertThat(inode.getAllocated()).as("allocated of %d", id).isEqualTo(allocated);
            }
          });
    }
  }
}

package io.curvefs.metaserver.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.proto.TransactionId;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** The key layout outlives every process: these bytes must never change. */
class KeysTest {
  private static final byte[] NAME = "n".getBytes(StandardCharsets.UTF_8);
  private static final TransactionId ID =
      TransactionId.newBuilder().setHomeGroup(1).setTerm(2).setNumber(3).build();

  private static String hex(byte[] key) {
    return HexFormat.of().formatHex(key);
  }

  @Test
  void the_layout_is_frozen() {
    assertThat(hex(Keys.appliedIndex())).isEqualTo("01");
    assertThat(hex(Keys.inode(1, 2))).isEqualTo("10000000010000000000000002");
    assertThat(hex(Keys.dentry(1, 2, NAME))).isEqualTo("200000000100000000000000026e");
    assertThat(hex(Keys.chunk(1, 2, 3))).isEqualTo("3000000001000000000000000200000003");
    assertThat(hex(Keys.xattr(1, 2, NAME))).isEqualTo("400000000100000000000000026e");
    assertThat(hex(Keys.partition(1, 2))).isEqualTo("500000000100000002");
    assertThat(hex(Keys.renameLock(1))).isEqualTo("5100000001");
    assertThat(hex(Keys.garbage(1, 2, 3))).isEqualTo("600000000100000000000000020000000000000003");
    assertThat(hex(Keys.bitmapSegment(1, 2))).isEqualTo("61000000010000000000000002");
    assertThat(hex(Keys.heldBlockGroup(1, 2))).isEqualTo("62000000010000000000000002");
    assertThat(hex(Keys.reservation(1, 2, 3))).isEqualTo("6300000001000000020000000000000003");
    assertThat(hex(Keys.quarantine(1, 2, 3)))
        .isEqualTo("640000000100000000000000020000000000000003");
    assertThat(hex(Keys.orphan(1, 2))).isEqualTo("70000000010000000000000002");
    assertThat(hex(Keys.session(1))).isEqualTo("8000000001");
    assertThat(hex(Keys.slot(1, 2))).isEqualTo("810000000100000002");
    assertThat(hex(Keys.expiredSession(1))).isEqualTo("8200000001");
    assertThat(hex(Keys.prepared(ID, 4)))
        .isEqualTo("90000000010000000000000002000000000000000300000004");
    assertThat(hex(Keys.lock(new byte[] {7}))).isEqualTo("9107");
    assertThat(hex(Keys.decision(ID))).isEqualTo("920000000100000000000000020000000000000003");
    assertThat(hex(Keys.cluster())).isEqualTo("a0");
    assertThat(hex(Keys.server(1))).isEqualTo("a100000001");
    assertThat(hex(Keys.group(1))).isEqualTo("a200000001");
    assertThat(hex(Keys.fileSystem(1))).isEqualTo("a300000001");
    assertThat(hex(Keys.liveSession(1))).isEqualTo("a400000001");
    assertThat(hex(Keys.endedSession(1))).isEqualTo("a500000001");
    assertThat(hex(Keys.cacheCluster("n"))).isEqualTo("a66e");
    assertThat(hex(Keys.assignedBlockGroup(1, 2))).isEqualTo("a7000000010000000000000002");
    assertThat(hex(Keys.grownBlockGroup(1, 2))).isEqualTo("a8000000010000000000000002");
    assertThat(hex(Keys.volumeAllotment(1, 2))).isEqualTo("a90000000100000002");
  }

  @Test
  void fields_are_read_back_from_keys() {
    assertThat(Keys.nameOf(Keys.dentry(1, 2, NAME))).isEqualTo(NAME);
    assertThat(Keys.inodeOf(Keys.chunk(1, 2, 3))).isEqualTo(2);
    assertThat(Keys.fileSystemOf(Keys.chunk(1, 2, 3))).isEqualTo(1);
    assertThat(Keys.chunkIndexOf(Keys.chunk(1, 2, 3))).isEqualTo(3);
    assertThat(Keys.numberOf(Keys.session(9))).isEqualTo(9);
    assertThat(Keys.addressOf(Keys.bitmapSegment(1, 2))).isEqualTo(2);
    assertThat(Keys.addressOf(Keys.reservation(1, 2, 3))).isEqualTo(3);
    assertThat(Keys.addressOf(Keys.quarantine(1, 2, 3))).isEqualTo(3);
    assertThat(Keys.quarantineNumberOf(Keys.quarantine(1, 2, 3))).isEqualTo(2);
    assertThat(Keys.addressOf(Keys.assignedBlockGroup(1, 2L << 48))).isEqualTo(2L << 48);
  }
}

package io.curvefs.metaserver.partition;

import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.View;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.Effect;
import io.curvefs.proto.TransactionId;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rows that a prepared transaction is going to change. A lock is itself a row, so that it survives
 * a change of leaders; it is gone when the transaction finishes.
 */
public final class Locks {
  private Locks() {}

  /** The keys that an effect must have for itself from prepare to finish. */
  static List<byte[]> keysOf(int fileSystem, Effect effect) {
    return switch (effect.getKindCase()) {
      case INSERT_DENTRY ->
          List.of(
              dentry(
                  fileSystem,
                  effect.getInsertDentry().getParent(),
                  effect.getInsertDentry().getName().toByteArray()));
      case REMOVE_DENTRY ->
          List.of(
              dentry(
                  fileSystem,
                  effect.getRemoveDentry().getParent(),
                  effect.getRemoveDentry().getName().toByteArray()));
      case REPLACE_DENTRY ->
          List.of(
              dentry(
                  fileSystem,
                  effect.getReplaceDentry().getParent(),
                  effect.getReplaceDentry().getName().toByteArray()));
      case INSERT_INODE ->
          List.of(Keys.inode(fileSystem, effect.getInsertInode().getInode().getId()));
      case REMOVE_DIRECTORY ->
          List.of(Keys.inode(fileSystem, effect.getRemoveDirectory().getInode()));
      case CHANGE_LINKS -> List.of(Keys.inode(fileSystem, effect.getChangeLinks().getInode()));
      case REPARENT -> List.of(Keys.inode(fileSystem, effect.getReparent().getInode()));
      case HOLD_RENAME_LOCK -> List.of(Keys.renameLock(fileSystem));
      case SET_ATTRIBUTES,
          COMMIT_EXTENTS,
          REPLACE_EXTENTS,
          SET_XATTR,
          REMOVE_XATTR,
          RESERVE_BLOCKS,
          COMMIT_BLOCKS,
          RETURN_BLOCKS,
          PUNCH_HOLE,
          KIND_NOT_SET ->
          List.of(); // change one inode's own row only and never take part in a transaction
    };
  }

  private static byte[] dentry(int fileSystem, long parent, byte[] name) {
    return Keys.dentry(fileSystem, parent, name);
  }

  /** Whose locks stand in the way of a change. */
  static final class Respect {
    /** Nobody's: what was prepared is carried out. */
    static final Respect NONE = new Respect(false, null);

    private final boolean any;
    private final byte @Nullable [] own;

    private Respect(boolean any, byte @Nullable [] own) {
      this.any = any;
      this.own = own;
    }

    /**
     * Everybody's but its own.
     *
     * @param transaction that makes the change; null for one outside of any
     */
    static Respect ofOthersThan(@Nullable TransactionId transaction) {
      return new Respect(true, transaction == null ? null : transaction.toByteArray());
    }

    boolean forbids(View view, byte[] key) {
      byte[] holder = any ? view.get(Keys.lock(key)) : null;
      return holder != null && !Arrays.equals(holder, own);
    }

    /** Whether somebody holds a name of the directory. */
    boolean forbidsSomeName(View view, int fileSystem, long directory) {
      // Of its own, a transaction that removes a directory holds none.
      return any && isAnyNameHeld(view, fileSystem, directory);
    }
  }

  /** Whether a prepared transaction holds the row: a reader has to wait for its end. */
  public static boolean isHeld(View view, byte[] key) {
    return view.get(Keys.lock(key)) != null;
  }

  /** Whether a prepared transaction holds some name of the directory. */
  public static boolean isAnyNameHeld(View view, int fileSystem, long directory) {
    return !view.scan(Keys.lock(Keys.dentries(fileSystem, directory)), null, 1).isEmpty();
  }

  static void take(WriteSet rows, byte[] key, TransactionId holder) {
    rows.put(Keys.lock(key), holder.toByteArray());
  }

  static void release(WriteSet rows, byte[] key) {
    rows.delete(Keys.lock(key));
  }
}

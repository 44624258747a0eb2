package io.curvefs.metaserver.partition;

import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.Effect;
import io.curvefs.proto.Timestamp;
import io.curvefs.proto.TransactionId;
import org.jspecify.annotations.Nullable;

/**
 * Applies the effects of one entry to the rows, checking each one's condition first. Deterministic:
 * a function of the rows, the effect, the entry's time and its log index.
 */
final class EffectApplier {
  private final WriteSet rows;
  private final int fileSystem;
  private final @Nullable TransactionId transaction;
  private final DirectoryEffects directories;
  private final InodeEffects inodes;
  private final DataEffects data;

  /**
   * @param transaction whose locks are our own; null outside of one
   */
  EffectApplier(
      WriteSet rows,
      int fileSystem,
      Timestamp time,
      long logIndex,
      @Nullable TransactionId transaction) {
    this.rows = rows;
    this.fileSystem = fileSystem;
    this.transaction = transaction;
    InodeTable table = new InodeTable(rows, fileSystem, time, logIndex);
    this.directories = new DirectoryEffects(rows, fileSystem, table, transaction);
    this.inodes = new InodeEffects(rows, fileSystem, table);
    this.data = new DataEffects(rows, fileSystem, table, time, logIndex);
  }

  void apply(Effect effect) throws ConditionFailedException {
    for (byte[] key : Locks.keysOf(fileSystem, effect)) {
      if (Locks.isHeld(rows, key, transaction)) {
        throw ConditionFailedException.locked();
      }
    }
    switch (effect.getKindCase()) {
      case INSERT_DENTRY -> directories.insert(effect.getInsertDentry());
      case REMOVE_DENTRY -> directories.remove(effect.getRemoveDentry());
      case REPLACE_DENTRY -> directories.replace(effect.getReplaceDentry());
      case REMOVE_DIRECTORY -> directories.removeDirectory(effect.getRemoveDirectory());
      case REPARENT -> directories.reparent(effect.getReparent());
      case INSERT_INODE -> inodes.insert(effect.getInsertInode());
      case CHANGE_LINKS -> inodes.changeLinks(effect.getChangeLinks());
      case SET_XATTR -> inodes.setXattr(effect.getSetXattr());
      case REMOVE_XATTR -> inodes.removeXattr(effect.getRemoveXattr());
      case SET_ATTRIBUTES -> data.setAttributes(effect.getSetAttributes());
      case COMMIT_EXTENTS -> data.commit(effect.getCommitExtents());
      case REPLACE_EXTENTS -> data.replace(effect.getReplaceExtents());
      case HOLD_RENAME_LOCK -> {
        // Holding the lock is all there is to it.
      }
      case KIND_NOT_SET ->
          throw new IllegalStateException("an effect of a newer version is in the log");
    }
  }
}

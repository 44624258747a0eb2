package io.curvefs.metaserver.partition;

import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.Effect;
import io.curvefs.proto.Timestamp;
import io.curvefs.space.BlockRange;
import java.util.List;

/**
 * Applies the effects of one entry to the rows, checking each one's condition first. Deterministic:
 * a function of the rows, the effect, the entry's time and its log index.
 *
 * <p>Locks are checked where a change is made up, not where a prepared one is carried out: its own
 * locks keep its conditions true, and those of others may by then lie on rows that it changes too
 * (a name goes into a directory that is about to be moved).
 */
final class EffectApplier {
  private final WriteSet rows;
  private final int fileSystem;
  private final Locks.Respect locks;
  private final DirectoryEffects directories;
  private final InodeEffects inodes;
  private final DataEffects data;
  private final BlockEffects blocks;
  private final SpaceTable space;

  /**
   * @param session whose request it is; 0: nobody's
   * @param locks whose locks stand in the way
   */
  EffectApplier(
      WriteSet rows,
      int fileSystem,
      int session,
      Timestamp time,
      long logIndex,
      Locks.Respect locks) {
    this.rows = rows;
    this.fileSystem = fileSystem;
    this.locks = locks;
    InodeTable table = new InodeTable(rows, fileSystem, time, logIndex);
    this.directories = new DirectoryEffects(rows, fileSystem, table, locks);
    this.inodes = new InodeEffects(rows, fileSystem, table);
    this.space = new SpaceTable(rows, fileSystem, logIndex);
    this.blocks = new BlockEffects(rows, fileSystem, session, table, space, time);
    this.data = new DataEffects(rows, fileSystem, table, blocks, time, logIndex);
  }

  /** The blocks whose bits the effects have cleared. */
  List<BlockRange> freed() {
    return space.freed();
  }

  void apply(Effect effect) throws ConditionFailedException {
    for (byte[] key : Locks.keysOf(fileSystem, effect)) {
      if (locks.forbids(rows, key)) {
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
      case RESERVE_BLOCKS -> blocks.reserve(effect.getReserveBlocks());
      case COMMIT_BLOCKS -> blocks.commit(effect.getCommitBlocks());
      case RETURN_BLOCKS -> blocks.giveBack(effect.getReturnBlocks());
      case PUNCH_HOLE -> blocks.punchHole(effect.getPunchHole());
      case HOLD_RENAME_LOCK -> {
        // Holding the lock is all there is to it.
      }
      case KIND_NOT_SET ->
          throw new IllegalStateException("an effect of a newer version is in the log");
    }
  }
}

package io.curvefs.metaserver.partition;

import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.ChangeLinks;
import io.curvefs.proto.Inode;
import io.curvefs.proto.InsertInode;
import io.curvefs.proto.RemoveXattr;
import io.curvefs.proto.SetXattr;

/** Effects on an inode's existence, links and extended attributes. */
final class InodeEffects {
  private static final byte[] NOTHING = new byte[0];

  private final WriteSet rows;
  private final int fileSystem;
  private final InodeTable inodes;

  InodeEffects(WriteSet rows, int fileSystem, InodeTable inodes) {
    this.rows = rows;
    this.fileSystem = fileSystem;
    this.inodes = inodes;
  }

  void insert(InsertInode insert) throws ConditionFailedException {
    inodes.insert(insert.getInode());
  }

  void changeLinks(ChangeLinks change) throws ConditionFailedException {
    Inode.Builder inode = inodes.existing(change.getInode());
    int links = inode.getNlink() + change.getDelta();
    if (inode.getNlink() == 0 || links < 0) {
      throw ConditionFailedException.conflict("no link left");
    }
    inode.setNlink(links);
    if (links > 0) {
      inodes.changed(inode);
    } else if (change.getMayBeOpen()) {
      inodes.changed(inode);
      rows.put(Keys.orphan(fileSystem, inode.getId()), NOTHING);
    } else {
      inodes.remove(inode.build());
    }
  }

  void setXattr(SetXattr set) throws ConditionFailedException {
    Inode.Builder inode = inodes.existing(set.getInode());
    byte[] key = Keys.xattr(fileSystem, set.getInode(), set.getName().toByteArray());
    boolean exists = rows.get(key) != null;
    if (exists ? set.getMustBeNew() : set.getMustExist()) {
      throw ConditionFailedException.conflict("xattr is there, or is not");
    }
    rows.put(key, set.getValue().toByteArray());
    inodes.changed(inode);
  }

  void removeXattr(RemoveXattr remove) throws ConditionFailedException {
    Inode.Builder inode = inodes.existing(remove.getInode());
    byte[] key = Keys.xattr(fileSystem, remove.getInode(), remove.getName().toByteArray());
    if (rows.get(key) == null) {
      throw ConditionFailedException.conflict("no such xattr");
    }
    rows.delete(key);
    inodes.changed(inode);
  }

  /** Ends an orphan that nobody holds open any more. One that is gone already is passed over. */
  void reclaim(long id) throws ConditionFailedException {
    byte[] orphan = Keys.orphan(fileSystem, id);
    if (rows.get(orphan) != null) {
      rows.delete(orphan);
      inodes.remove(inodes.existing(id).build());
    }
  }
}

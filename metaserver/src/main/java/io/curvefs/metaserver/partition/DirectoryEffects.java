package io.curvefs.metaserver.partition;

import com.google.protobuf.ByteString;
import io.curvefs.id.InodeId;
import io.curvefs.metaserver.store.Keys;
import io.curvefs.metaserver.store.WriteSet;
import io.curvefs.proto.Dentry;
import io.curvefs.proto.FileType;
import io.curvefs.proto.Inode;
import io.curvefs.proto.InsertDentry;
import io.curvefs.proto.RemoveDentry;
import io.curvefs.proto.RemoveDirectory;
import io.curvefs.proto.Reparent;
import io.curvefs.proto.ReplaceDentry;

/** Effects on names. A directory's entry count, link count and times change with its names. */
final class DirectoryEffects {
  private final WriteSet rows;
  private final int fileSystem;
  private final InodeTable inodes;
  private final Locks.Respect locks;
  private final Namespace namespace;

  DirectoryEffects(WriteSet rows, int fileSystem, InodeTable inodes, Locks.Respect locks) {
    this.rows = rows;
    this.fileSystem = fileSystem;
    this.inodes = inodes;
    this.locks = locks;
    this.namespace = new Namespace(rows, fileSystem);
  }

  void insert(InsertDentry insert) throws ConditionFailedException {
    Inode.Builder parent = openDirectory(insert.getParent());
    if (namespace.dentry(new InodeId(insert.getParent()), insert.getName()) != null) {
      throw ConditionFailedException.conflict("the name is taken");
    }
    put(insert.getParent(), insert.getName(), insert.getChild(), insert.getType());
    touch(parent, 1, links(insert.getType()));
  }

  void remove(RemoveDentry remove) throws ConditionFailedException {
    Inode.Builder parent = openDirectory(remove.getParent());
    require(remove.getParent(), remove.getName(), remove.getChild());
    rows.delete(Keys.dentry(fileSystem, remove.getParent(), remove.getName().toByteArray()));
    touch(parent, -1, -links(remove.getType()));
  }

  void replace(ReplaceDentry replace) throws ConditionFailedException {
    Inode.Builder parent = openDirectory(replace.getParent());
    require(replace.getParent(), replace.getName(), replace.getOldChild());
    put(replace.getParent(), replace.getName(), replace.getChild(), replace.getType());
    touch(parent, 0, links(replace.getType()) - links(replace.getOldType()));
  }

  void removeDirectory(RemoveDirectory remove) throws ConditionFailedException {
    Inode.Builder directory = inodes.existingDirectory(remove.getInode());
    if (directory.getEntries() != 0) {
      throw ConditionFailedException.conflict("not empty");
    }
    if (locks.forbidsSomeName(rows, fileSystem, remove.getInode())) {
      throw ConditionFailedException.locked();
    }
    inodes.remove(directory.build());
  }

  void reparent(Reparent reparent) throws ConditionFailedException {
    Inode.Builder directory = inodes.existingDirectory(reparent.getInode());
    if (directory.getParent() != reparent.getOldParent()) {
      throw ConditionFailedException.conflict("moved meanwhile");
    }
    inodes.changed(directory.setParent(reparent.getParent()));
  }

  /**
   * A directory that names may be put into and taken from: no transaction is removing or moving it.
   */
  private Inode.Builder openDirectory(long id) throws ConditionFailedException {
    if (locks.forbids(rows, Keys.inode(fileSystem, id))) {
      throw ConditionFailedException.locked();
    }
    return inodes.existingDirectory(id);
  }

  private void require(long parent, ByteString name, long child) throws ConditionFailedException {
    Dentry dentry = namespace.dentry(new InodeId(parent), name);
    if (dentry == null || dentry.getChild() != child) {
      throw ConditionFailedException.conflict("the name is another's");
    }
  }

  private void put(long parent, ByteString name, long child, FileType type) {
    rows.put(
        Keys.dentry(fileSystem, parent, name.toByteArray()),
        Dentry.newBuilder().setChild(child).setType(type).build().toByteArray());
  }

  private void touch(Inode.Builder directory, int entries, int links) {
    inodes.changed(
        directory
            .setEntries(directory.getEntries() + entries)
            .setNlink(directory.getNlink() + links)
            .setMtime(inodes.time()));
  }

  /** A child directory's ".." is a link to its parent. */
  private static int links(FileType type) {
    return type == FileType.DIRECTORY ? 1 : 0;
  }
}

package io.curvefs.client.meta;

import com.google.protobuf.ByteString;
import io.curvefs.id.InodeId;
import io.curvefs.proto.FileType;
import io.curvefs.proto.Inode;
import io.curvefs.proto.Timestamp;

/**
 * An inode as stat(2) shows it, at one version.
 *
 * @param mode permission bits, 0 to 07777
 * @param length bytes
 * @param parent inode of a directory's parent; 0 for others
 * @param version grows with every change of the inode
 * @param dataVersion grows when the bytes change
 * @param allocated bytes that are backed by objects or blocks
 * @param poolSet where blocks of the file, or of files created in the directory, come from; empty:
 *     the file system's default
 */
public record Attributes(
    InodeId id,
    FileType type,
    int mode,
    int uid,
    int gid,
    int nlink,
    long length,
    long atimeSeconds,
    int atimeNanos,
    long mtimeSeconds,
    int mtimeNanos,
    long ctimeSeconds,
    int ctimeNanos,
    int rdev,
    ByteString symlinkTarget,
    long parent,
    long version,
    long dataVersion,
    long allocated,
    String poolSet) {

  public static Attributes of(Inode inode) {
    return new Attributes(
        new InodeId(inode.getId()),
        inode.getType(),
        inode.getMode(),
        inode.getUid(),
        inode.getGid(),
        inode.getNlink(),
        inode.getLength(),
        inode.getAtime().getSeconds(),
        inode.getAtime().getNanos(),
        inode.getMtime().getSeconds(),
        inode.getMtime().getNanos(),
        inode.getCtime().getSeconds(),
        inode.getCtime().getNanos(),
        inode.getRdev(),
        inode.getSymlinkTarget(),
        inode.getParent(),
        inode.getVersion(),
        inode.getDataVersion(),
        inode.getAllocated(),
        inode.getPoolSet());
  }

  public boolean isDirectory() {
    return type == FileType.DIRECTORY;
  }

  public boolean isRegular() {
    return type == FileType.REGULAR;
  }

  /** The same with what has been written here but not committed yet. */
  public Attributes withUncommitted(long newLength, Timestamp mtime, Timestamp changed) {
    boolean later =
        changed.getSeconds() != ctimeSeconds
            ? changed.getSeconds() > ctimeSeconds
            : changed.getNanos() > ctimeNanos;
    return new Attributes(
        id,
        type,
        mode,
        uid,
        gid,
        nlink,
        newLength,
        atimeSeconds,
        atimeNanos,
        mtime.getSeconds(),
        mtime.getNanos(),
        later ? changed.getSeconds() : ctimeSeconds,
        later ? changed.getNanos() : ctimeNanos,
        rdev,
        symlinkTarget,
        parent,
        version,
        dataVersion,
        allocated,
        poolSet);
  }
}

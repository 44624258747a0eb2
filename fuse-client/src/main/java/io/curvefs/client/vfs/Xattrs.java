package io.curvefs.client.vfs;

import com.google.protobuf.ByteString;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.SetAttributes;
import io.curvefs.proto.SetXattr;
import java.io.IOException;
import java.util.List;

/**
 * Extended attributes (xattr(7)). The user and trusted classes are stored. Others are answered
 * here: the kernel asks for security.capability before every write, and {@code ls} for ACLs of
 * every file, which must not cost a request each. Thread-safe.
 */
final class Xattrs {
  private static final ByteString USER = ByteString.copyFromUtf8("user.");
  private static final ByteString TRUSTED = ByteString.copyFromUtf8("trusted.");
  private static final ByteString CONTROL = ByteString.copyFromUtf8(ControlAttributes.PREFIX);
  private static final ByteString ANYWHERE = ByteString.copyFromUtf8(ControlAttributes.ANYWHERE);

  /** Where blocks of a file, or of what is created in a directory, come from. */
  private static final ByteString POOL_SET = ByteString.copyFromUtf8("curvefs.poolset");

  private static final ByteString CAPABILITY = ByteString.copyFromUtf8("security.capability");

  private final NamespaceClient namespace;
  private final ControlAttributes control;
  private final VfsOptions options;

  Xattrs(NamespaceClient namespace, ControlAttributes control, VfsOptions options) {
    this.namespace = namespace;
    this.control = control;
    this.options = options;
  }

  private boolean isControl(InodeId inode, ByteString name) {
    return name.startsWith(CONTROL) && (inode.equals(options.root()) || name.startsWith(ANYWHERE));
  }

  private static boolean isStored(ByteString name) {
    return name.startsWith(USER) || name.startsWith(TRUSTED);
  }

  ByteString get(ControlAttributes.Asker asker, InodeId inode, ByteString name) throws IOException {
    if (name.equals(POOL_SET)) {
      String poolSet = namespace.attributes(inode).poolSet();
      if (poolSet.isEmpty()) {
        throw new RefusedException(Refusal.ENODATA);
      }
      return ByteString.copyFromUtf8(poolSet);
    }
    if (isControl(inode, name)) {
      ByteString value = control.get(asker, inode, name.toStringUtf8());
      if (value == null) {
        throw new RefusedException(Refusal.ENODATA);
      }
      return value;
    }
    if (name.equals(CAPABILITY)) {
      throw new RefusedException(Refusal.ENODATA);
    }
    if (!isStored(name)) {
      throw new RefusedException(Refusal.EOPNOTSUPP);
    }
    return namespace.meta().xattr(inode, name);
  }

  List<ByteString> list(InodeId inode) throws RefusedException {
    return namespace.meta().xattrNames(inode);
  }

  void set(ControlAttributes.Asker asker, SetXattr.Builder set) throws IOException {
    InodeId inode = new InodeId(set.getInode());
    if (set.getName().equals(POOL_SET)) {
      setPoolSet(inode, set.getValue());
      return;
    }
    if (isControl(inode, set.getName())) {
      if (!control.set(asker, inode, set.getName().toStringUtf8(), set.getValue())) {
        throw new RefusedException(Refusal.EOPNOTSUPP);
      }
      return;
    }
    if (options.readOnly()) {
      throw new RefusedException(Refusal.EROFS);
    }
    if (!isStored(set.getName())) {
      throw new RefusedException(Refusal.EOPNOTSUPP);
    }
    namespace.setXattr(set);
  }

  private void setPoolSet(InodeId inode, ByteString name) throws RefusedException {
    if (options.readOnly()) {
      throw new RefusedException(Refusal.EROFS);
    }
    namespace.setAttributes(
        SetAttributes.newBuilder().setInode(inode.value()).setPoolSet(name.toStringUtf8()));
  }

  void remove(InodeId inode, ByteString name) throws RefusedException {
    if (name.equals(POOL_SET)) {
      setPoolSet(inode, ByteString.EMPTY);
      return;
    }
    if (!isStored(name)) {
      throw new RefusedException(Refusal.EOPNOTSUPP);
    }
    namespace.removeXattr(inode, name);
  }
}

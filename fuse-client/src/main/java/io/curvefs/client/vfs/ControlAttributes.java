package io.curvefs.client.vfs;

import com.google.protobuf.ByteString;
import io.curvefs.id.InodeId;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Extended attributes of the mount's root, and a few of every inode, through which commands talk to
 * the mount process, wherever they run. Their names begin with {@code curvefs.}; they are not
 * stored and not listed.
 */
public interface ControlAttributes {
  String PREFIX = "curvefs.";

  /** What begins so is of every inode, the others of the root alone. */
  String ANYWHERE = PREFIX + "warmup.op";

  /** Who asks. Only to be used until the call ends. */
  interface Asker {
    int uid();

    /** Whether it is a member of the group, be it a supplementary one. */
    boolean isIn(int gid);
  }

  /**
   * The attribute's value now; null: there is no such attribute. The kernel has seen that the asker
   * may read the inode.
   */
  @Nullable ByteString get(Asker asker, InodeId inode, String name) throws IOException;

  /**
   * Carries out what setting the attribute stands for. The kernel has seen that the asker may write
   * to the inode.
   *
   * @return false: there is no such attribute
   */
  boolean set(Asker asker, InodeId inode, String name, ByteString value) throws IOException;
}

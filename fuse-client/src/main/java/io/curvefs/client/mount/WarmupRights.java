package io.curvefs.client.mount;

import io.curvefs.client.meta.Attributes;
import io.curvefs.client.vfs.ControlAttributes.Asker;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Who may command the warmups of a mount, and read the names that they have met: root, who has
 * mounted, and who may write to the directory that the mount shows as its root.
 */
final class WarmupRights {
  private static final int OWNER_WRITES = 0200;
  private static final int GROUP_WRITES = 0020;
  private static final int OTHERS_WRITE = 0002;

  private final int mounter;
  private final Root root;

  /** The directory that the mount shows as its root, as it is now. */
  @FunctionalInterface
  interface Root {
    Attributes attributes() throws RefusedException;
  }

  /**
   * @param mounter user of the mount's process
   */
  WarmupRights(int mounter, Root root) {
    this.mounter = mounter;
    this.root = root;
  }

  static WarmupRights ofThisProcess(Root root) throws IOException {
    return new WarmupRights((int) Files.getAttribute(Path.of("/proc/self"), "unix:uid"), root);
  }

  /**
   * @throws RefusedException EACCES when the asker may not
   */
  void require(Asker asker) throws RefusedException {
    if (asker.uid() != 0 && asker.uid() != mounter && !mayWrite(asker, root.attributes())) {
      throw new RefusedException(
          Refusal.EACCES, "for root, who has mounted, and who may write to the root directory");
    }
  }

  /** As the kernel checks it: the first class that fits decides. */
  private static boolean mayWrite(Asker asker, Attributes directory) {
    if (asker.uid() == directory.uid()) {
      return (directory.mode() & OWNER_WRITES) != 0;
    }
    if (asker.isIn(directory.gid())) {
      return (directory.mode() & GROUP_WRITES) != 0;
    }
    return (directory.mode() & OTHERS_WRITE) != 0;
  }
}

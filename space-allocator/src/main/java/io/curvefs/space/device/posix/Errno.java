package io.curvefs.space.device.posix;

import jnr.ffi.LastError;
import jnr.ffi.Runtime;

/** Why a call of libc failed. */
public final class Errno {
  public static final int EPERM = 1;
  public static final int ENOENT = 2;
  public static final int EINTR = 4;
  public static final int ENXIO = 6;
  public static final int EACCES = 13;
  public static final int EBUSY = 16;
  public static final int EINVAL = 22;
  public static final int ENOSPC = 28;
  public static final int EROFS = 30;
  public static final int ENOSYS = 38;
  public static final int EOPNOTSUPP = 95;
  public static final int ESHUTDOWN = 108;

  private static final Runtime RUNTIME = Runtime.getRuntime(LibC.INSTANCE);

  private Errno() {}

  /** That of this thread's last native call. */
  public static int last() {
    return LastError.getLastError(RUNTIME);
  }

  /** The words for it. */
  public static String text(int errno) {
    return LibC.INSTANCE.strerror(errno);
  }
}

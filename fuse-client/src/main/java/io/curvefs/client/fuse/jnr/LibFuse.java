package io.curvefs.client.fuse.jnr;

import jnr.ffi.annotations.Out;

/**
 * The functions of libfuse 2.9 that we call, with addresses as plain numbers. jnr-fuse itself binds
 * only the path API. See fuse_lowlevel.h for what each does.
 */
@SuppressWarnings({"MethodName", "checkstyle:MethodName"}) // named by libfuse
public interface LibFuse {
  long fuse_mount(String mountPoint, long args);

  void fuse_unmount(String mountPoint, long channel);

  long fuse_lowlevel_new(long args, long operations, long operationsBytes, long userData);

  void fuse_session_add_chan(long session, long channel);

  int fuse_session_loop(long session);

  /** Of the memory that the session loop reads requests into. */
  long fuse_chan_bufsize(long channel);

  /** A channel over a descriptor; closes it when it is destroyed. */
  long fuse_kern_chan_new(int descriptor);

  int fuse_chan_fd(long channel);

  void fuse_chan_destroy(long channel);

  /** Bytes of a request, 0: the mount is gone, or below 0: an errno. */
  int fuse_chan_recv(long channelHolder, long buffer, long bytes);

  void fuse_session_process(long session, long request, long bytes, long channel);

  void fuse_session_exit(long session);

  void fuse_session_destroy(long session);

  long fuse_req_ctx(long request);

  int fuse_req_getgroups(long request, int size, @Out int[] groups);

  int fuse_reply_err(long request, int errno);

  int fuse_reply_entry(long request, long entry);

  int fuse_reply_create(long request, long entry, long fileInfo);

  int fuse_reply_attr(long request, long stat, double timeoutSeconds);

  int fuse_reply_readlink(long request, long target);

  int fuse_reply_open(long request, long fileInfo);

  int fuse_reply_write(long request, long count);

  int fuse_reply_buf(long request, long buffer, long size);

  int fuse_reply_statfs(long request, long statvfs);

  int fuse_reply_xattr(long request, long count);

  // Of libc, which libfuse brings along.

  int pipe(@Out int[] descriptors);

  long read(int descriptor, long buffer, long bytes);

  long write(int descriptor, long buffer, long bytes);

  int close(int descriptor);

  int fuse_lowlevel_notify_inval_inode(long channel, long inode, long offset, long length);
}

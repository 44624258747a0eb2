package io.curvefs.space.device.nbd;

import org.jspecify.annotations.Nullable;

/** The functions of libnbd that we call; see its manual, section 3. Handles are plain numbers. */
@SuppressWarnings("MethodName") // named by libnbd
public interface LibNbd {
  /** Of {@link #nbd_get_block_size}. */
  int SIZE_MINIMUM = 0;

  int SIZE_MAXIMUM = 2;

  /** Bits of {@link #nbd_aio_get_direction}. */
  int DIRECTION_READ = 1;

  int DIRECTION_WRITE = 2;

  long nbd_create();

  void nbd_close(long handle);

  @Nullable String nbd_get_error();

  int nbd_get_errno();

  int nbd_set_export_name(long handle, String name);

  int nbd_set_pread_initialize(long handle, boolean request);

  int nbd_aio_connect_tcp(long handle, String host, String port);

  int nbd_aio_connect_unix(long handle, String path);

  int nbd_aio_is_ready(long handle);

  int nbd_aio_is_dead(long handle);

  int nbd_aio_is_closed(long handle);

  int nbd_aio_get_fd(long handle);

  int nbd_aio_get_direction(long handle);

  int nbd_aio_notify_read(long handle);

  int nbd_aio_notify_write(long handle);

  long nbd_aio_peek_command_completed(long handle);

  int nbd_aio_command_completed(long handle, long cookie);

  int nbd_aio_disconnect(long handle, int flags);

  int nbd_is_read_only(long handle);

  int nbd_can_flush(long handle);

  int nbd_can_trim(long handle);

  int nbd_can_multi_conn(long handle);

  long nbd_get_size(long handle);

  long nbd_get_block_size(long handle, int which);
}

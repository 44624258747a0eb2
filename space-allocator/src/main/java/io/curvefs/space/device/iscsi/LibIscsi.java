package io.curvefs.space.device.iscsi;

import jnr.ffi.annotations.Delegate;
import org.jspecify.annotations.Nullable;

/** The functions of libiscsi that we call; see iscsi.h. Contexts and tasks are plain numbers. */
@SuppressWarnings("MethodName") // named by libiscsi
public interface LibIscsi {
  int SESSION_NORMAL = 2;
  int HEADER_DIGEST_NONE_CRC32C = 1;

  /** What the library calls when a command has ended. */
  public interface Ended {
    /**
     * @param task of the command, or another pointer or null for what is none
     * @param id what was given with the command
     */
    @Delegate
    void ended(long context, int status, long task, long id);
  }

  long iscsi_create_context(String initiator);

  int iscsi_destroy_context(long context);

  @Nullable String iscsi_get_error(long context);

  int iscsi_set_targetname(long context, String target);

  int iscsi_set_session_type(long context, int type);

  int iscsi_set_header_digest(long context, int digest);

  int iscsi_set_initiator_username_pwd(long context, String user, String password);

  int iscsi_set_isid_random(long context, int random, int qualifier);

  void iscsi_set_noautoreconnect(long context, int state);

  int iscsi_full_connect_async(long context, String portal, int unit, Ended ended, long id);

  int iscsi_get_fd(long context);

  int iscsi_which_events(long context);

  int iscsi_service(long context, int ready);

  long iscsi_readcapacity16_task(long context, int unit, Ended ended, long id);

  long iscsi_inquiry_task(
      long context, int unit, int vital, int page, int bytesMax, Ended ended, long id);

  long iscsi_modesense6_task(
      long context,
      int unit,
      int noDescriptors,
      int control,
      int page,
      int subPage,
      byte bytesMax,
      Ended ended,
      long id);

  long iscsi_read16_task(
      long context,
      int unit,
      long block,
      int bytes,
      int blockBytes,
      int protect,
      int dpo,
      int fua,
      int fuaNv,
      int group,
      Ended ended,
      long id);

  long iscsi_write16_task(
      long context,
      int unit,
      long block,
      long data,
      int bytes,
      int blockBytes,
      int protect,
      int dpo,
      int fua,
      int fuaNv,
      int group,
      Ended ended,
      long id);

  long iscsi_synchronizecache16_task(
      long context,
      int unit,
      long block,
      int blocks,
      int syncNv,
      int immediate,
      Ended ended,
      long id);

  long iscsi_unmap_task(
      long context, int unit, int anchor, int group, long list, int count, Ended ended, long id);

  int scsi_task_add_data_in_buffer(long task, int bytes, long buffer);

  long scsi_datain_unmarshall(long task);

  int scsi_task_get_status(long task, long sense);

  void scsi_free_scsi_task(long task);
}

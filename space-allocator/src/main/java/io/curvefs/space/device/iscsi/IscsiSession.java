package io.curvefs.space.device.iscsi;

import io.curvefs.space.device.posix.NativeMemory;
import io.curvefs.space.device.remote.ConnectionLostException;
import io.curvefs.space.device.remote.ServerBusyException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * A context of libiscsi and what has ended on it. Concurrent: no. Nothing here blocks; the library
 * works only within {@link #service}.
 */
final class IscsiSession {
  /** Of iscsi.h, {@code enum scsi_status}. */
  private static final int GOOD = 0;

  private static final int CHECK_CONDITION = 2;
  private static final int BUSY = 8;
  private static final int TASK_SET_FULL = 0x28;
  private static final int TASK_ABORTED = 0x40;

  /** First of the statuses of the library itself; this one comes without words. */
  private static final int CANCELLED = 0x0f000000;

  /** {@code struct scsi_sense}: its size, and where key and code are. */
  private static final int SENSE_BYTES = 16;

  private static final int SENSE_KEY = 4;
  private static final int SENSE_CODE = 8;
  private static final int UNIT_ATTENTION = 6;
  private static final int DATA_PROTECT = 7;

  /** Additional sense codes 0x29xx: the target was reset or restarted. */
  private static final int RESET = 0x29;

  /**
   * What has ended.
   *
   * @param answer what the target sent, for commands that ask something: a structure of the library
   *     that stays until the session is closed
   */
  record Ended(long id, @Nullable IOException failure, long answer) {}

  private final LibIscsi library;
  private final long context;
  private final long sense = NativeMemory.allocate(SENSE_BYTES);
  private final LibIscsi.Ended callback = this::ended;
  private final Queue<Ended> ended = new ArrayDeque<>();
  private final Queue<Long> answers = new ArrayDeque<>();
  private boolean closing;

  /** An id below this is of a command that asks something. */
  static final long FIRST_TRANSFER = 100;

  IscsiSession(LibIscsi library, String initiator) throws IOException {
    this.library = library;
    this.context = library.iscsi_create_context(initiator);
    if (context == 0) {
      throw new IOException("libiscsi made no context for " + initiator);
    }
  }

  long context() {
    return context;
  }

  /** For commands. */
  LibIscsi.Ended callback() {
    return callback;
  }

  String error() {
    String error = library.iscsi_get_error(context);
    return error == null ? "libiscsi does not say why" : error.strip();
  }

  int descriptor() {
    return library.iscsi_get_fd(context);
  }

  int events() {
    return library.iscsi_which_events(context);
  }

  void service(int ready) throws ConnectionLostException {
    if (library.iscsi_service(context, ready) != 0) {
      throw new ConnectionLostException(error());
    }
  }

  @Nullable Ended next() {
    return ended.poll();
  }

  private void ended(long context, int status, long task, long id) {
    if (closing) {
      return; // its task is freed with the context
    }
    IOException failure = status == GOOD ? null : failure(status, id < FIRST_TRANSFER ? 0 : task);
    long answer = 0;
    if (id < FIRST_TRANSFER) {
      if (failure == null && task != 0) {
        answer = library.scsi_datain_unmarshall(task);
        answers.add(task);
      }
    } else if (task != 0) {
      library.scsi_free_scsi_task(task);
    }
    ended.add(new Ended(id, failure, answer));
  }

  private IOException failure(int status, long task) {
    if (status == CANCELLED) {
      return new ConnectionLostException("the session with the target ended");
    }
    String words = error();
    if (status > CANCELLED) {
      return new ConnectionLostException(words);
    }
    if (status == BUSY || status == TASK_SET_FULL || status == TASK_ABORTED) {
      return new ServerBusyException("the target is busy: " + words);
    }
    if (status != CHECK_CONDITION || task == 0) {
      return new IOException(words);
    }
    library.scsi_task_get_status(task, sense);
    int key = NativeMemory.getInt(sense + SENSE_KEY);
    if (key == UNIT_ATTENTION) {
      boolean reset = NativeMemory.getInt(sense + SENSE_CODE) >>> 8 == RESET;
      return reset ? new ConnectionLostException(words) : new ServerBusyException(words);
    }
    return new IOException(
        key == DATA_PROTECT ? words + ". The logical unit is write-protected." : words);
  }

  /** Commands under way are dropped. */
  void close() {
    closing = true;
    answers.forEach(library::scsi_free_scsi_task);
    library.iscsi_destroy_context(context);
    NativeMemory.free(sense);
  }
}

package io.curvefs.space.device.iscsi;

import io.curvefs.space.device.posix.NativeMemory;
import io.curvefs.space.device.remote.Command;
import io.curvefs.space.device.remote.ConnectionLostException;
import io.curvefs.space.device.remote.Export;
import io.curvefs.space.device.remote.Wire;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A session with a target, carrying READ(16), WRITE(16), SYNCHRONIZE CACHE(16) and UNMAP. */
final class IscsiWire implements Wire {
  /** {@code struct unmap_list}: first block, number of blocks. */
  private static final int UNMAP_BYTES = 16;

  private static final int UNMAP_COUNT = 8;

  private final LibIscsi library;
  private final IscsiSession session;
  private final int unit;
  private final int blockBytes;
  private final Export export;
  private final long unmap = NativeMemory.allocate(UNMAP_BYTES);
  private long nextId = IscsiSession.FIRST_TRANSFER;

  /**
   * @param session closed with the wire
   * @param blockBytes of the logical unit's own blocks
   */
  IscsiWire(LibIscsi library, IscsiSession session, int unit, int blockBytes, Export export) {
    this.library = library;
    this.session = session;
    this.unit = unit;
    this.blockBytes = blockBytes;
    this.export = export;
  }

  @Override
  public Export export() {
    return export;
  }

  @Override
  public int descriptor() {
    return session.descriptor();
  }

  @Override
  public int events() {
    return session.events();
  }

  @Override
  public long submit(Command command) throws IOException {
    long id = nextId++;
    long task;
    if (command instanceof Command.Read read) {
      task = read(read, id);
    } else if (command instanceof Command.Write write) {
      task = write(write, id);
    } else if (command instanceof Command.Discard discard) {
      task = discard(discard, id);
    } else {
      task =
          library.iscsi_synchronizecache16_task(
              session.context(), unit, 0, 0, 0, 0, session.callback(), id);
    }
    if (task == 0) {
      // It refuses without a connection, and for nothing else that we ask.
      throw new ConnectionLostException(session.error());
    }
    return id;
  }

  private long read(Command.Read read, long id) {
    long block = read.offset() / blockBytes;
    long task =
        library.iscsi_read16_task(
            session.context(),
            unit,
            block,
            read.length(),
            blockBytes,
            0,
            0,
            0,
            0,
            0,
            session.callback(),
            id);
    if (task != 0) {
      library.scsi_task_add_data_in_buffer(task, read.length(), read.address());
    }
    return task;
  }

  private long write(Command.Write write, long id) {
    return library.iscsi_write16_task(
        session.context(),
        unit,
        write.offset() / blockBytes,
        write.address(),
        write.length(),
        blockBytes,
        0,
        0,
        0,
        0,
        0,
        session.callback(),
        id);
  }

  private long discard(Command.Discard discard, long id) {
    NativeMemory.putLong(unmap, discard.offset() / blockBytes);
    NativeMemory.putInt(unmap + UNMAP_COUNT, (int) (discard.length() / blockBytes));
    return library.iscsi_unmap_task(
        session.context(), unit, 0, 0, unmap, 1, session.callback(), id);
  }

  @Override
  public void service(int ready) throws ConnectionLostException {
    session.service(ready);
  }

  @Override
  public @Nullable Completion next() {
    IscsiSession.Ended ended = session.next();
    return ended == null ? null : new Completion(ended.id(), ended.failure());
  }

  @Override
  public void close() {
    session.close();
    NativeMemory.free(unmap);
  }
}

package io.curvefs.client.volume;

import io.curvefs.fault.FaultPoint;
import io.curvefs.space.BlockRange;
import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.LostWritesException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The volumes of the file system, opened. Thread-safe. */
final class VolumeDevices implements AutoCloseable {
  /** Opens a volume, and checks that it is the right one. */
  @FunctionalInterface
  interface Opener {
    BlockDevice open(int volume) throws IOException;
  }

  private final Opener opener;
  private final Map<Integer, BlockDevice> open = new ConcurrentHashMap<>();

  private final VolumeMeters meters;

  VolumeDevices(Opener opener, VolumeMeters meters) {
    this.opener = opener;
    this.meters = meters;
  }

  private BlockDevice of(BlockRange range) throws IOException {
    int volume = range.volume().value();
    BlockDevice known = open.get(volume);
    BlockDevice device = known != null ? known : opened(volume);
    if (range.deviceOffset() + range.bytes() > device.size()) {
      device.refreshSize(); // it was expanded after it was opened
    }
    return device;
  }

  synchronized BlockDevice opened(int volume) throws IOException {
    BlockDevice device = open.get(volume);
    if (device == null) {
      device = opener.open(volume);
      open.put(volume, device);
    }
    return device;
  }

  /** Fills the buffer, of as many bytes as the range has. */
  void read(BlockRange range, ByteBuffer into) throws IOException {
    of(range).read(into, range.deviceOffset());
    meters.reads.increment();
    meters.bytesRead.add(range.bytes());
  }

  /**
   * Writes the buffer, of as many bytes as the range has. What has to be flushed is noted before,
   * see {@link Unflushed#add}.
   */
  void write(BlockRange range, ByteBuffer from) throws IOException {
    of(range).write(from, range.deviceOffset());
    FaultPoint.BLOCKS_WRITTEN.reached();
    meters.writes.increment();
    meters.bytesWritten.add(range.bytes());
  }

  /** Says that nobody needs the content of these blocks any more. */
  void discard(BlockRange range) throws IOException {
    if (of(range).discard(range.deviceOffset(), range.bytes())) {
      FaultPoint.BLOCKS_DISCARDED.reached();
      meters.bytesDiscarded.add(range.bytes());
    }
  }

  /**
   * Makes durable what was written.
   *
   * @throws LostWritesException when some of it may be lost
   */
  void flush(Unflushed written) throws IOException {
    for (Map.Entry<Integer, Long> volume : written.epochs.entrySet()) {
      opened(volume.getKey()).flushSince(volume.getValue());
      meters.flushes.increment();
    }
    FaultPoint.DEVICES_FLUSHED.reached();
  }

  /** Volumes that were written to, each with its epoch before the first write. Not thread-safe. */
  static final class Unflushed {
    private final Map<Integer, Long> epochs = new HashMap<>();

    /** Before a range is written to. */
    void add(VolumeDevices devices, BlockRange range) throws IOException {
      int volume = range.volume().value();
      if (!epochs.containsKey(volume)) {
        epochs.put(volume, devices.of(range).epoch());
      }
    }
  }

  @Override
  public void close() {
    open.values().forEach(BlockDevice::close);
  }
}

package io.curvefs.space.device.fault;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.BlockRange;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Notes what is asked of a device, in order, whether it succeeds or not. Any thread may use it. */
public final class RecordingDevice implements BlockDevice {

  /** What was asked. */
  public sealed interface Entry {
    /** A range was read. */
    record Read(BlockRange range) implements Entry {}

    /** A range was written. */
    record Written(BlockRange range) implements Entry {}

    /** A range was discarded. */
    record Discarded(BlockRange range) implements Entry {}

    /** The device was flushed. */
    record Flushed() implements Entry {}
  }

  private final BlockDevice device;

  @GuardedBy("this")
  private final List<Entry> entries = new ArrayList<>();

  /**
   * @param device closed with this one
   */
  public RecordingDevice(BlockDevice device) {
    this.device = device;
  }

  private synchronized void note(Entry entry) {
    entries.add(entry);
  }

  /** Everything since the beginning or {@link #forget}. */
  public synchronized List<Entry> entries() {
    return List.copyOf(entries);
  }

  /** Begins anew. */
  public synchronized void forget() {
    entries.clear();
  }

  /** Ranges that were read. */
  public List<BlockRange> reads() {
    return entries().stream()
        .filter(Entry.Read.class::isInstance)
        .map(entry -> ((Entry.Read) entry).range())
        .toList();
  }

  /** Ranges that were written. */
  public List<BlockRange> writes() {
    return entries().stream()
        .filter(Entry.Written.class::isInstance)
        .map(entry -> ((Entry.Written) entry).range())
        .toList();
  }

  /** Ranges that were discarded. */
  public List<BlockRange> discards() {
    return entries().stream()
        .filter(Entry.Discarded.class::isInstance)
        .map(entry -> ((Entry.Discarded) entry).range())
        .toList();
  }

  /** Number of flushes. */
  public long flushes() {
    return entries().stream().filter(Entry.Flushed.class::isInstance).count();
  }

  @Override
  public String name() {
    return device.name();
  }

  @Override
  public long size() {
    return device.size();
  }

  @Override
  public long refreshSize() throws IOException {
    return device.refreshSize();
  }

  @Override
  public void read(ByteBuffer into, long offset) throws IOException {
    note(new Entry.Read(BlockRange.of(into, offset)));
    device.read(into, offset);
  }

  @Override
  public void write(ByteBuffer from, long offset) throws IOException {
    note(new Entry.Written(BlockRange.of(from, offset)));
    device.write(from, offset);
  }

  @Override
  public void flush() throws IOException {
    note(new Entry.Flushed());
    device.flush();
  }

  @Override
  public long epoch() {
    return device.epoch();
  }

  @Override
  public boolean discard(long offset, long length) throws IOException {
    note(new Entry.Discarded(new BlockRange(offset, length)));
    return device.discard(offset, length);
  }

  @Override
  public void close() {
    device.close();
  }
}

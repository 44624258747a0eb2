package io.curvefs.client.volume;

import io.curvefs.cache.page.PagePool;
import io.curvefs.client.content.ContentListener;
import io.curvefs.client.content.ReadStream;
import io.curvefs.client.content.WriteBuffer;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.id.InodeId;
import io.curvefs.proto.FileChunks;
import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.fault.FaultyDevice;
import io.curvefs.space.device.fault.RecordingDevice;
import io.curvefs.space.device.testing.MemoryDevice;
import io.curvefs.time.WallClock;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;

/** Files on one volume in memory, with metaservers in memory. The time stands still. */
final class VolumeFixture implements AutoCloseable {
  static final InodeId INODE = new InodeId(7);
  static final Duration QUARANTINE = Duration.ofSeconds(40);
  private static final long DEVICE_BYTES = 512L << 20;

  final FakeVolumeMeta meta = new FakeVolumeMeta(100_000);
  final RecordingDevice device = new RecordingDevice(new MemoryDevice(DEVICE_BYTES));
  final FaultyDevice faults;
  final AtomicLong nanos = new AtomicLong(1_000_000_000_000L);
  final PagePool pages = new PagePool(64 << 20);
  final ExecutorService background = Executors.newFixedThreadPool(4);
  final ExecutorService transfers = Executors.newFixedThreadPool(8);
  final Freshness freshness = new Freshness(QUARANTINE, nanos::get);
  final VolumeDevices devices;
  final SpacePool pool;
  final ReadAhead readAhead;
  final VolumeStore store;
  final VolumeFile file;
  private final ReadStream stream = new ReadStream(32 << 20);

  VolumeFixture() {
    this(UnaryOperator.identity());
  }

  VolumeFixture(UnaryOperator<BlockDevice> wrapper) {
    faults = new FaultyDevice(wrapper.apply(device));
    devices = new VolumeDevices(number -> faults, new VolumeMeters());
    pool = new SpacePool(meta, 1, "default", QUARANTINE, background, nanos::get);
    readAhead = new ReadAhead(pages, transfers, nanos::get);
    store = store(inode -> pool);
    meta.create(INODE);
    file = open();
  }

  private VolumeStore store(VolumeStore.Pools pools) {
    return new VolumeStore(
        meta,
        devices,
        pools,
        freshness,
        new WriteBuffer(pages, 48 << 20),
        new Deaf(),
        WallClock.SYSTEM,
        background,
        transfers,
        readAhead,
        nanos::get);
  }

  private static final class Deaf implements ContentListener {
    @Override
    public void changedHere(InodeId inode, long dataVersion) {}

    @Override
    public void lostHere(InodeId inode) {}
  }

  /** The file as another mount with the same volume would open it. */
  VolumeFile open() {
    return open(store);
  }

  /** The same, with pools of its own. */
  VolumeFile open(VolumeStore.Pools pools) {
    return open(store(pools));
  }

  private VolumeFile open(VolumeStore in) {
    VolumeFile opened = new VolumeFile(in, INODE);
    FileChunks chunks =
        FileChunks.newBuilder()
            .addAllChunks(meta.chunks(INODE, 0, 4).getChunksList())
            .setChunksKnown(4)
            .build();
    opened.opened(new NamespaceClient.Opened(meta.attributes(INODE), chunks, nanos.get()));
    meta.takeRequests();
    return opened;
  }

  void advance(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  static byte[] filled(int bytes, int value) {
    byte[] content = new byte[bytes];
    Arrays.fill(content, (byte) value);
    return content;
  }

  void write(long offset, byte[] bytes) throws IOException {
    file.write(offset, ByteBuffer.wrap(bytes));
  }

  byte[] read(VolumeFile from, long offset, int bytes) throws IOException {
    return read(from, stream, offset, bytes);
  }

  byte[] read(VolumeFile from, ReadStream through, long offset, int bytes) throws IOException {
    ByteBuffer dst = ByteBuffer.allocate(bytes);
    Attributes attributes = from.withUncommitted(() -> meta.attributes(INODE));
    int count = from.read(through, offset, dst, attributes);
    return Arrays.copyOf(dst.array(), count);
  }

  /** Empty when nothing is under way and no page is leaked. */
  @Override
  public void close() {
    faults.heal();
    file.close();
    end(background);
    end(transfers);
    readAhead.close();
    if (pages.inUse() != 0) {
      throw new IllegalStateException(pages.inUse() + " pages are leaked");
    }
  }

  private static void end(ExecutorService threads) {
    threads.shutdown();
    try {
      if (!threads.awaitTermination(20, TimeUnit.SECONDS)) {
        throw new IllegalStateException("something does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

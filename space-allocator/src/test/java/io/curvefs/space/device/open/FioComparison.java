package io.curvefs.space.device.open;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.DeviceOptions;
import io.curvefs.space.device.testing.LoopDevice;
import io.curvefs.space.device.testing.NbdServer;
import io.curvefs.space.device.testing.ServerProcess;
import io.curvefs.space.device.testing.SparseFile;
import io.curvefs.space.device.testing.TgtServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * What each kind of device does on this machine, beside fio on the same: random reads of 4 KiB, 16
 * at once, and 1 MiB after the other. A program for people: {@code java -cp … FioComparison}.
 */
public final class FioComparison {
  private static final long BYTES = 256 << 20;
  private static final int SECONDS = 3;
  private static final int ROUNDS = 3;
  private static final int MIB = 1 << 20;

  private FioComparison() {}

  /** The arguments are kinds of devices: file, loop, nbd, iscsi; none means all. */
  public static void main(String[] kinds) throws Exception {
    List<String> wanted =
        kinds.length == 0 ? List.of("file", "loop", "nbd", "iscsi") : List.of(kinds);
    Path directory = Files.createTempDirectory("devices");
    Path image = SparseFile.withSize(directory.resolve("image"), BYTES);
    System.out.printf("%-8s %-16s %10s %10s %6s%n", "device", "work", "ours", "fio", "ratio");
    if (wanted.contains("file")) {
      compare("file", "file://" + image, "--ioengine=psync", "--filename=" + image);
      compare(
          "direct",
          "file://" + image + "?direct",
          "--ioengine=psync",
          "--direct=1",
          "--filename=" + image);
    }
    if (wanted.contains("loop")) {
      try (LoopDevice loop = LoopDevice.over(image)) {
        compare("loop", loop.uri(), "--ioengine=psync", "--direct=1", "--filename=" + loop.path());
      }
    }
    if (wanted.contains("nbd")) {
      try (NbdServer server = NbdServer.nbdkitOnSocket(directory, "memory", "256M")) {
        compare("nbd", server.uri(), "--ioengine=nbd", "--uri=" + server.uri());
      }
    }
    if (wanted.contains("iscsi")) {
      try (TgtServer target = new TgtServer(directory, image)) {
        compare("iscsi", target.uri());
      }
    }
    System.exit(0);
  }

  private static void compare(String kind, String uri, String... fio) throws Exception {
    try (BlockDevice device = BlockDevices.open(uri, DeviceOptions.DEFAULT)) {
      List<Double> ours = new ArrayList<>(List.of(0.0, 0.0, 0.0));
      List<Double> theirs = new ArrayList<>(List.of(0.0, 0.0, 0.0));
      boolean many = !kind.equals("nbd"); // fio's engine has its own queue
      for (int round = 0; round < ROUNDS; round++) {
        best(ours, 0, write(device));
        best(theirs, 0, fio("write", "1m", 1, many, fio));
        best(ours, 1, read(device));
        best(theirs, 1, fio("read", "1m", 1, many, fio));
        best(ours, 2, randomReads(device));
        best(theirs, 2, fio("randread", "4k", 16, many, fio));
      }
      String[] work = {"write MiB/s", "read MiB/s", "4 KiB reads/s"};
      for (int i = 0; i < work.length; i++) {
        System.out.printf(
            "%-8s %-16s %10.0f %10.0f %6.2f%n",
            kind, work[i], ours.get(i), theirs.get(i), ours.get(i) / theirs.get(i));
      }
    }
  }

  private static void best(List<Double> best, int index, double figure) {
    best.set(index, Math.max(best.get(index), figure));
  }

  private static ByteBuffer aligned(int bytes) {
    return ByteBuffer.allocateDirect(bytes + 4096).alignedSlice(4096).limit(bytes).slice();
  }

  private static double write(BlockDevice device) throws IOException {
    ByteBuffer buffer = aligned(MIB);
    long begin = System.nanoTime();
    for (long at = 0; at < BYTES; at += MIB) {
      device.write(buffer, at);
    }
    device.flush();
    return (double) BYTES / MIB / (System.nanoTime() - begin) * 1e9;
  }

  private static double read(BlockDevice device) throws IOException {
    ByteBuffer buffer = aligned(MIB);
    long begin = System.nanoTime();
    long done = 0;
    while (System.nanoTime() - begin < SECONDS * 1_000_000_000L) {
      device.read(buffer, done % BYTES);
      done += MIB;
    }
    return (double) done / MIB / (System.nanoTime() - begin) * 1e9;
  }

  private static double randomReads(BlockDevice device) throws Exception {
    int threads = 16;
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    long begin = System.nanoTime();
    List<Callable<Long>> readers = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      Random random = new Random(i);
      readers.add(
          () -> {
            ByteBuffer buffer = aligned(4096);
            long count = 0;
            while (System.nanoTime() - begin < SECONDS * 1_000_000_000L) {
              device.read(buffer, 4096L * random.nextInt((int) (BYTES / 4096)));
              count++;
            }
            return count;
          });
    }
    long all = 0;
    for (Future<Long> reader : executor.invokeAll(readers)) {
      all += reader.get();
    }
    executor.shutdown();
    return all / ((System.nanoTime() - begin) / 1e9);
  }

  /** MiB or operations per second; not a number where fio has no engine. */
  private static double fio(String work, String block, int depth, boolean jobs, String... target)
      throws IOException {
    if (target.length == 0) {
      return Double.NaN;
    }
    List<String> command =
        new ArrayList<>(
            List.of(
                "fio",
                "--name=x",
                "--minimal",
                "--thread",
                "--group_reporting",
                "--invalidate=0",
                "--size=" + BYTES,
                "--rw=" + work,
                "--bs=" + block));
    command.add(jobs ? "--numjobs=" + depth : "--iodepth=" + depth);
    if (work.equals("write")) {
      command.add("--end_fsync=1");
    } else {
      command.add("--runtime=" + SECONDS);
      command.add("--time_based");
    }
    command.addAll(List.of(target));
    String[] fields = ServerProcess.run(command.toArray(String[]::new)).split(";");
    // fio's HOWTO, terse version 3: read bandwidth in KiB/s, read operations, write bandwidth.
    double kib = Double.parseDouble(fields[work.equals("write") ? 47 : 6]);
    return work.equals("randread") ? Double.parseDouble(fields[7]) : kib / 1024;
  }
}

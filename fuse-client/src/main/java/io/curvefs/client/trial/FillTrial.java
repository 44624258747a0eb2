package io.curvefs.client.trial;

import io.curvefs.client.bench.Content;
import io.curvefs.client.bench.Crew;
import io.curvefs.client.quickstart.Children;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;

/** Fills the volume to the last block, deletes half of the files at random, and again. */
final class FillTrial {
  private static final String DIRECTORY = "fill";

  /** They lie in many partitions, so that each raft group has some. */
  private static final int DIRECTORIES = 24;

  private static final int THREADS = 4;
  private static final int PIECE_BYTES = 1 << 20;
  private static final int BYTES_MIN = 4 << 10;
  private static final int SIZES_LOG = 11; // 4 KiB to 4 MiB
  private static final int KILL_EVERY_MILLIS = 1_500;
  private static final int RETRY_MAX = 100;
  private static final long RETRY_MILLIS = 100;

  private final TrialOptions options;
  private final Installation installation;
  private final List<TrialMount> mounts;
  private final Checks checks;
  private final Findings findings;
  private final Crew crew;
  private final AtomicLong nextFile = new AtomicLong();

  /** Files by number: their length, all of it synced. */
  private final Map<Long, Long> files = new ConcurrentSkipListMap<>();

  FillTrial(
      TrialOptions options,
      Installation installation,
      List<TrialMount> mounts,
      Checks checks,
      Findings findings,
      Crew crew) {
    this.options = options;
    this.installation = installation;
    this.mounts = mounts;
    this.checks = checks;
    this.findings = findings;
    this.crew = crew;
  }

  /**
   * @param kills in all rounds together
   */
  void run(Killer killer, int kills) throws IOException {
    for (int i = 0; i < DIRECTORIES; i++) {
      Files.createDirectories(mounts.get(0).root().resolve(DIRECTORY).resolve(Integer.toString(i)));
    }
    Random random = new Random(options.seed());
    for (int round = 1; round <= options.fillRounds(); round++) {
      int until = (int) ((long) kills * round / options.fillRounds());
      int now = until - (int) ((long) kills * (round - 1) / options.fillRounds());
      round("round " + round, killer, now, random);
      findings.fillRounds.incrementAndGet();
    }
    deleteAll(List.copyOf(files.keySet()));
    checks.sum(mounts.get(0), "after the fills");
  }

  private void round(String name, Killer killer, int kills, Random random) throws IOException {
    crew.run(
        THREADS + 1,
        member -> {
          if (member == THREADS) {
            killer.run(kills, KILL_EVERY_MILLIS);
          } else {
            fill(member, new Random(options.seed() + nextFile.get() * THREADS + member), false);
          }
        });
    checks.settled("when " + name + " is full");
    // What died with a mount has come back meanwhile.
    crew.run(THREADS, member -> fill(member, new Random(options.seed() - member), true));
    Space full = checks.sum(mounts.get(0), "when " + name + " is full");
    findings.freeBlocksWhenFull.accumulateAndGet(full.free(), Math::max);
    checks.fsck("when " + name + " is full");
    verify();

    long backing = installation.backingBytes();
    List<Long> doomed = new ArrayList<>(files.keySet());
    Collections.shuffle(doomed, random);
    deleteAll(doomed.subList(0, doomed.size() / 2));
    Space half = checks.sum(mounts.get(0), "when half of " + name + " is deleted");
    checks.fsck("when half of " + name + " is deleted");
    long freed = (full.used() - half.used()) * BYTES_MIN;
    long shrunk = backing - installation.backingBytes();
    findings.filesBytesFreed.addAndGet(freed);
    findings.backingBytesFreed.addAndGet(shrunk);
    findings.say(
        "%s: %d blocks were free when full; of %d MiB deleted the backing file lost %d MiB"
            .formatted(name, full.free(), freed >> 20, shrunk >> 20));
  }

  private Path path(int mount, long file) {
    return mounts
        .get(mount)
        .root()
        .resolve(DIRECTORY)
        .resolve(Long.toString(file % DIRECTORIES))
        .resolve("f" + file);
  }

  /**
   * Writes files into every directory until it takes none any more.
   *
   * @param toTheLast block; otherwise a file that does not fit is enough
   */
  private void fill(int member, Random random, boolean toTheLast) throws IOException {
    Content content = new Content(options.seed(), PIECE_BYTES);
    int mount = member % mounts.size();
    boolean[] full = new boolean[DIRECTORIES];
    int left = DIRECTORIES;
    while (left > 0) {
      long file = nextFile.getAndIncrement();
      int directory = (int) (file % DIRECTORIES);
      if (full[directory]) {
        continue;
      }
      long length = (long) BYTES_MIN << random.nextInt(SIZES_LOG);
      if (toTheLast) {
        length = BYTES_MIN;
      }
      Outcome outcome = write(mount, file, length, content);
      if ((outcome == Outcome.FULL && !toTheLast) || outcome == Outcome.NOTHING) {
        full[directory] = true;
        left--;
      }
    }
  }

  private enum Outcome {
    WRITTEN,
    FULL,
    NOTHING
  }

  /** A file of that length, or as much of it as there is room for; repeated when the mount dies. */
  private Outcome write(int mount, long file, long length, Content content) throws IOException {
    for (int tries = 0; ; tries++) {
      mounts.get(mount).awaitAlive();
      long written = 0;
      try (OpenFile out = OpenFile.create(path(mount, file))) {
        out.truncate(0); // of an attempt that the mount did not survive
        boolean full = false;
        while (written < length && !full) {
          ByteBuffer piece =
              content.piece(file, written, (int) Math.min(PIECE_BYTES, length - written));
          byte[] bytes = new byte[piece.remaining()];
          piece.get(0, bytes);
          try {
            int count = out.write(bytes, bytes.length, written);
            written += count;
            full = count < bytes.length && count % BYTES_MIN != 0;
          } catch (FailedCallException e) {
            if (e.errno() != FailedCallException.NO_SPACE) {
              throw e;
            }
            full = true;
          }
        }
        out.sync();
        files.put(file, written);
        findings.changes.incrementAndGet();
        return !full ? Outcome.WRITTEN : written > 0 ? Outcome.FULL : Outcome.NOTHING;
      } catch (IOException e) {
        findings.failedCalls.incrementAndGet();
        if (tries == RETRY_MAX) {
          throw e;
        }
        Children.pause(RETRY_MILLIS); // a process that ends is there a little longer than its mount
      }
    }
  }

  /** Reads every file through another mount than has written it. */
  private void verify() throws IOException {
    for (TrialMount mount : mounts) {
      mount.dropCaches();
    }
    List<Map.Entry<Long, Long>> all = List.copyOf(files.entrySet());
    AtomicLong next = new AtomicLong();
    crew.run(
        THREADS,
        member -> {
          Content content = new Content(options.seed(), PIECE_BYTES);
          int index;
          while ((index = (int) next.getAndIncrement()) < all.size()) {
            long file = all.get(index).getKey();
            verify(member % mounts.size(), file, all.get(index).getValue(), content);
          }
        });
  }

  private void verify(int mount, long file, long length, Content content) throws IOException {
    byte[] actual;
    try (OpenFile in = OpenFile.open(path(mount, file))) {
      actual = in.readAll();
    }
    long wrong = Math.abs(actual.length - length);
    for (int at = 0; at < Math.min(length, actual.length); at += PIECE_BYTES) {
      int count = (int) Math.min(PIECE_BYTES, Math.min(length, actual.length) - at);
      ByteBuffer piece = content.piece(file, at, (count + 4095) / 4096 * 4096);
      for (int i = 0; i < count; i++) {
        wrong += piece.get(i) == actual[at + i] ? 0 : 1;
      }
    }
    findings.wrongBytes(wrong, "file " + file + " of the fill");
    findings.verified.incrementAndGet();
  }

  private void deleteAll(List<Long> doomed) throws IOException {
    AtomicLong next = new AtomicLong();
    crew.run(
        THREADS,
        member -> {
          int index;
          while ((index = (int) next.getAndIncrement()) < doomed.size()) {
            long file = doomed.get(index);
            try {
              Files.delete(path(member % mounts.size(), file));
            } catch (NoSuchFileException e) {
              findings.say("LOST: file " + file + " of the fill");
              findings.wrongBytes.incrementAndGet();
            }
            files.remove(file);
          }
        });
  }
}

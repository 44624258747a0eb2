package io.curvefs.client.bench;

import io.curvefs.client.bench.Results.Place;
import io.curvefs.client.bench.Results.Series;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One benchmark. Each item is measured in all places one directly after the other, in several
 * rounds that begin with another place each, so that what drifts on the machine drifts for all. A
 * small round before them does not count. Whatever happens, and at Ctrl-C too, nothing that it made
 * remains.
 */
public final class Benchmark implements AutoCloseable {
  /** What the object store bounds. */
  static final List<Item> RAW_ITEMS = List.of(Item.BIG_WRITE, Item.BIG_READ_COLD);

  private final BenchOptions options;
  private final Crew crew = new Crew();
  private final Cleanup open = new Cleanup(System.err::println);
  private final Target directory;
  private final @Nullable Target baseline;
  private final @Nullable RawS3 raw;

  /**
   * @throws IOException when a directory cannot be used; nothing remains then
   */
  public Benchmark(BenchOptions options) throws IOException {
    this.options = options;
    boolean ready = false;
    try {
      Path baselinePath = options.baseline();
      if (baselinePath != null && Files.isSameFile(options.directory(), baselinePath)) {
        throw new IllegalArgumentException(
            "--baseline must be another directory than the measured");
      }
      directory = target(options.directory());
      baseline = baselinePath == null ? null : target(baselinePath);
      raw = options.rawS3() == null ? null : open.add(new RawS3(options.rawS3(), crew));
      open.add(crew); // ends before what it works on
      ready = true;
    } finally {
      if (!ready) {
        close();
      }
    }
  }

  private Target target(Path path) throws IOException {
    Workplace workplace = open.add(new Workplace(path));
    return Target.in(path, workplace.directory());
  }

  /** Measures everything, once. */
  public Report run() throws IOException {
    int places = baseline == null ? 1 : 2;
    int rawSteps = raw == null ? 0 : RAW_ITEMS.size();
    int rounds = options.rounds() * options.crews().size() + 1;
    long steps = (long) rounds * (Item.values().length * places + rawSteps);
    Results results = new Results();
    try (Progress progress = Progress.onStandardError("bench", steps)) {
      round(new Round(options.warmUp(), options.threads(), 0, new Results()), progress);
      for (int number = 1; number <= options.rounds(); number++) {
        for (int threads : options.crews()) {
          round(new Round(options, threads, number, results), progress);
        }
      }
    }
    long peak = directory.probe() == null ? 0 : directory.probe().residentBytesPeak();
    return new Report(options, directory, baseline, results, peak);
  }

  /**
   * Every item once.
   *
   * @param number from 1; 0: only to have all processes compiled and connected
   */
  private record Round(BenchOptions options, int threads, int number, Results results) {
    String title(String step) {
      return (number == 0 ? "warm-up: " : "round " + number + " of " + options.rounds() + ": ")
          + Benchmark.title(step, threads);
    }

    long bigBytes() {
      return options.bigFileBytes() * threads;
    }
  }

  /** The files of one round in one place. */
  private record Share(Place place, Target target, Path files, FileWork work) {}

  private void round(Round round, Progress progress) throws IOException {
    FilePlan plan = new FilePlan(round.options, round.threads, round.number);
    List<Share> shares = new ArrayList<>();
    shares.add(share(Place.DIRECTORY, directory, round, plan));
    if (baseline != null) {
      shares.add(share(Place.BASELINE, baseline, round, plan));
    }
    if (round.number % 2 == 0) {
      Collections.reverse(shares);
    }
    RawS3.@Nullable Objects objects =
        raw == null ? null : new RawS3.Objects(plan.seed(), round.bigBytes());
    for (Item item : Item.values()) {
      for (Share share : shares) {
        if (raw != null && objects != null && share.place == Place.DIRECTORY) {
          measureRaw(raw, objects, item, round, progress);
        }
        measure(item, share, round, progress);
      }
    }
    for (Share share : shares) {
      Workplace.remove(share.files);
    }
    if (raw != null) {
      raw.clear();
    }
  }

  private static Share share(Place place, Target target, Round round, FilePlan plan)
      throws IOException {
    String name = "round-" + round.number + "-threads-" + round.threads;
    Path files = Files.createDirectory(target.files().resolve(name));
    return new Share(place, target, files, new FileWork(files, plan, round.options));
  }

  private void measure(Item item, Share share, Round round, Progress progress) throws IOException {
    String step = round.title(share.target.directory() + ": " + item.title());
    progress.begin(step);
    if (item.cold()) {
      share.target.caches().drop(share.work.files(item));
    }
    List<Latencies> latencies = new ArrayList<>();
    for (int thread = 0; thread < round.threads; thread++) {
      latencies.add(new Latencies(share.work.operations(item)));
    }
    MountProbe.Reading before = share.target.cost();
    double seconds =
        crew.run(round.threads, thread -> share.work.run(item, thread, latencies.get(thread)));
    MountProbe.Reading cost = share.target.cost().since(before);
    long amount =
        item.big() ? round.bigBytes() : latencies.stream().mapToLong(Latencies::count).sum();
    Measured measured = new Measured(amount / seconds, latencies, cost);
    round.results.add(share.place, new Series(item, round.threads), measured);
    progress.end(step + ": " + Report.rate(item, measured.perSecond()));
  }

  /** The object store alone, before the items that it bounds. */
  private static void measureRaw(
      RawS3 raw, RawS3.Objects objects, Item item, Round round, Progress progress)
      throws IOException {
    if (!RAW_ITEMS.contains(item)) {
      return;
    }
    boolean write = item == Item.BIG_WRITE;
    String step = round.title("object store alone: " + (write ? "PUT" : "GET"));
    progress.begin(step);
    double rate = write ? raw.put(objects) : raw.get(objects);
    round.results.addRaw(new Series(item, round.threads), rate);
    progress.end(step + ": " + Report.rate(item, rate));
  }

  static String title(String item, int threads) {
    return item + (threads == 1 ? ", 1 thread" : ", " + threads + " threads");
  }

  /** Removes everything. May be repeated. */
  @Override
  public void close() throws IOException {
    crew.close();
    open.close();
  }
}

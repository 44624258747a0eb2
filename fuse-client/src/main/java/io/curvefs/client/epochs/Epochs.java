package io.curvefs.client.epochs;

import io.curvefs.client.bench.ByteSize;
import io.curvefs.client.bench.Cleanup;
import io.curvefs.client.bench.PageCache;
import io.curvefs.client.quickstart.Home;
import io.curvefs.client.quickstart.TrainingCopy;
import io.curvefs.client.quickstart.TrainingSet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The benchmark: two mounts that stand for two hosts, and a local directory with the same files
 * beside them. Whatever happens, and at Ctrl-C too, nothing that it started or made remains, unless
 * its files are to be kept. For one use.
 */
public final class Epochs implements AutoCloseable {
  private static final String DIRECTORY = "train";
  private static final String PRACTICE = "practice";

  /** Keeps the orders of neighbouring seeds apart. */
  private static final long EPOCHS_MAX = 1_000;

  private final EpochsOptions options;
  private final Consumer<String> log;
  private final long began = System.nanoTime();
  private final Cleanup open;
  private final Installation installation;
  private final TrainingSet set;
  private final EpochsReport report;

  /** Counts epochs: each has an order of its own. */
  private long epoch;

  /**
   * @param log is told of each step
   * @throws IOException when the directory cannot be used; nothing remains then
   */
  public Epochs(EpochsOptions options, Home home, Consumer<String> log) throws IOException {
    this.options = options;
    this.log = log;
    set = new TrainingSet(options.seed(), options.shape());
    report = new EpochsReport(options, set);
    Installation started = new Installation(options, home);
    open = new Cleanup(log);
    installation = open.add(started);
  }

  /** Measures everything, once. */
  public EpochsReport run() throws IOException {
    say("starting S3, metaserver, memcached");
    installation.start(set.bytes());
    Map<String, Long> practice = writeAll();
    TrainingCopy local = write("local directory", installation.local());
    StoredObjects store =
        open.add(new StoredObjects(installation.bucket(), options.warmupThreads()));
    store.read(practice, nextOrder());
    Map<String, Long> objects = StoredObjects.in(installation.objects());
    objects.keySet().removeAll(practice.keySet());

    Host first = installation.mount("1", options.mountOptions());
    practise(first);
    TrainingCopy mounted = copy(first.root().resolve(DIRECTORY));
    Host second = installation.mount("2", options.mountOptions());
    practise(second);
    TrainingCopy elsewhere = copy(second.root().resolve(DIRECTORY));
    for (Workload workload : Workload.values()) {
      List<TrainingSet.Part> parts = workload.parts(set);
      cold(workload, parts, first, mounted);
      secondHost(workload, parts, first, second, elsewhere);
      warm(workload, parts, first, mounted, local);
      storeAlone(workload, store, objects);
      warmupAhead(workload, parts, first, mounted);
    }
    say("unmounting");
    second.close();
    first.close();
    report.end(secondsSinceBegin());
    return report;
  }

  /**
   * Writes what is read later, by a mount of its own: those that read may be read-only.
   *
   * @return the objects of the practice
   */
  private Map<String, Long> writeAll() throws IOException {
    Host writer = installation.mount("writer", "");
    TrainingSet few = practice();
    try (TrainingCopy copy =
        new TrainingCopy(few, writer.root().resolve(PRACTICE), options.readers())) {
      copy.write();
    }
    Map<String, Long> objects = StoredObjects.in(installation.objects());
    write("mount", writer.root().resolve(DIRECTORY));
    writer.close();
    return objects;
  }

  private TrainingSet practice() {
    return new TrainingSet(options.seed() + 1, options.practice());
  }

  private TrainingCopy copy(Path directory) {
    return open.add(new TrainingCopy(set, directory, options.readers()));
  }

  private TrainingCopy write(String place, Path directory) throws IOException {
    TrainingCopy copy = copy(directory);
    double seconds = copy.write();
    say("written to the " + place + " in %.1f s".formatted(seconds));
    return copy;
  }

  /** Until all processes are compiled and connected; nothing of it counts. */
  private void practise(Host host) throws IOException {
    TrainingSet few = practice();
    try (TrainingCopy copy =
        new TrainingCopy(few, host.root().resolve(PRACTICE), options.readers())) {
      for (int i = 0; i < 2; i++) {
        host.makeCold();
        copy.read(nextOrder());
        host.makeDiskWarm(copy.files());
        copy.read(nextOrder());
      }
    }
    say("practised on " + host.root());
  }

  private void cold(Workload workload, List<TrainingSet.Part> parts, Host host, TrainingCopy copy)
      throws IOException {
    installation.flushMemcached();
    host.makeCold();
    add(workload, Source.COLD, read(host, copy, shuffled(parts)));
  }

  private void secondHost(
      Workload workload, List<TrainingSet.Part> parts, Host first, Host second, TrainingCopy copy)
      throws IOException {
    // The first host has filled memcached as it read; what was too fast for that comes now.
    warmUp(first, parts, "memcached");
    second.makeCold();
    add(workload, Source.SECOND_HOST, read(second, copy, shuffled(parts)));
  }

  private void warm(
      Workload workload,
      List<TrainingSet.Part> parts,
      Host host,
      TrainingCopy mounted,
      TrainingCopy local)
      throws IOException {
    warmUp(host, parts, "disk");
    for (int round = 0; round < options.rounds(); round++) {
      // Alternating, so that what drifts on the machine drifts for both.
      if (round % 2 == 0) {
        warmLocal(workload, parts, local);
        warmMounted(workload, parts, host, mounted);
      } else {
        warmMounted(workload, parts, host, mounted);
        warmLocal(workload, parts, local);
      }
    }
  }

  private void warmLocal(Workload workload, List<TrainingSet.Part> parts, TrainingCopy copy)
      throws IOException {
    new PageCache().dropMany(copy.files());
    add(workload, Source.LOCAL_DISK, read(null, copy, shuffled(parts)));
    add(workload, Source.LOCAL_PAGE_CACHE, read(null, copy, shuffled(parts)));
  }

  private void warmMounted(
      Workload workload, List<TrainingSet.Part> parts, Host host, TrainingCopy copy)
      throws IOException {
    host.makeDiskWarm(copy.files());
    add(workload, Source.WARM_DISK, read(host, copy, shuffled(parts)));
    add(workload, Source.WARM_PAGE_CACHE, read(host, copy, shuffled(parts)));
  }

  private void storeAlone(Workload workload, StoredObjects store, Map<String, Long> objects)
      throws IOException {
    Map<String, Long> some = new TreeMap<>(objects);
    some.values().removeIf(bytes -> !workload.hasObjectOf(bytes));
    add(workload, Source.S3_ALONE, store.read(some, nextOrder()));
  }

  /** The warmup and the epoch begin together, in the same order; the time of the epoch counts. */
  private void warmupAhead(
      Workload workload, List<TrainingSet.Part> parts, Host host, TrainingCopy copy)
      throws IOException {
    installation.flushMemcached();
    host.makeCold();
    List<TrainingSet.Part> order = shuffled(parts);
    CompletableFuture<Void> warmup =
        CompletableFuture.runAsync(
            () -> {
              try {
                warmUp(host, order, "disk");
              } catch (IOException e) {
                throw new CompletionException(e);
              }
            });
    Pass pass = read(host, copy, order);
    try {
      warmup.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof IOException known ? known : new IOException(e);
    }
    add(workload, Source.WARMUP_AHEAD, pass);
  }

  /** Returns when all that these parts are of is in the tier. */
  private void warmUp(Host host, List<TrainingSet.Part> order, String tier) throws IOException {
    Set<String> names = new LinkedHashSet<>();
    for (TrainingSet.Part part : order) {
      names.add(host.root().resolve(DIRECTORY).resolve(part.sample().name()).toString());
    }
    Files.write(installation.list(), names);
    installation.curvefs(
        "warmup",
        "add",
        "--filelist",
        installation.list().toString(),
        "--storage",
        tier,
        "--threads",
        Integer.toString(options.warmupThreads()));
  }

  private long nextOrder() {
    return options.seed() * EPOCHS_MAX + epoch++;
  }

  private List<TrainingSet.Part> shuffled(List<TrainingSet.Part> parts) {
    return TrainingCopy.shuffled(parts, nextOrder());
  }

  /**
   * @param host whose requests are counted; null: none
   */
  private Pass read(@Nullable Host host, TrainingCopy copy, List<TrainingSet.Part> order)
      throws IOException {
    long before = host == null ? 0 : host.requests().s3("GET");
    TrainingCopy.Epoch read = copy.read(order);
    long gets = host == null ? 0 : host.requests().s3("GET") - before;
    long bytes = order.stream().mapToLong(TrainingSet.Part::bytes).sum();
    if (read.firstWrong() != null) {
      say("WRONG BYTES: " + read.firstWrong());
    }
    return new Pass(read.seconds(), order.size(), bytes, gets, read.wrongBytes());
  }

  private void add(Workload workload, Source source, Pass pass) {
    report.add(workload, source, pass);
    say(
        "%s: %s: %.0f /s, %s/s, %d S3 GETs"
            .formatted(
                workload.title(),
                source.title(),
                pass.readsPerSecond(),
                ByteSize.text(pass.bytesPerSecond()),
                pass.s3Gets()));
  }

  private void say(String step) {
    log.accept("[%4.0f s] ".formatted(secondsSinceBegin()) + step);
  }

  private double secondsSinceBegin() {
    return (System.nanoTime() - began) / 1e9;
  }

  /** Ends and removes everything. May be repeated. */
  @Override
  public void close() throws IOException {
    open.close();
  }
}

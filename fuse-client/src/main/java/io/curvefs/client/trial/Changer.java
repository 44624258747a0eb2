package io.curvefs.client.trial;

import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Changes the files of a directory at random, and knows what they must hold. One thread. */
final class Changer {
  private static final int FILES_MAX = 12;
  private static final int LENGTH_MAX = 3 << 20;
  private static final int TRANSFER_MAX = 300 << 10;
  private static final int CHANGES_MAX = 6;
  private static final int RETRY_MAX = 100;

  private final String directory;
  private final List<TrialMount> mounts;
  private final Findings findings;
  private final Random random;
  private final Map<String, FileModel> files = new TreeMap<>();

  /** What was going on when a call failed. */
  private String doing = "";

  private @Nullable Renaming renaming;

  private record Renaming(String from, String to) {}

  /**
   * @param mounts one of which is chosen for each visit of a file
   */
  Changer(String directory, List<TrialMount> mounts, Findings findings, Random random) {
    this.directory = directory;
    this.mounts = mounts;
    this.findings = findings;
    this.random = random;
  }

  void begin() throws IOException {
    for (int i = 0; i < 2; i++) {
      Files.createDirectories(mounts.get(0).root().resolve(directory).resolve("d" + i));
    }
  }

  /** Visits a file, and copes with what becomes of the mount meanwhile. */
  void change() throws IOException {
    TrialMount mount = mounts.get(random.nextInt(mounts.size()));
    mount.awaitAlive();
    try {
      int what = random.nextInt(10);
      if (what == 0) {
        unlink(mount);
      } else if (what == 1) {
        rename(mount);
      } else {
        visit(mount);
      }
      findings.changes.incrementAndGet();
    } catch (IOException e) {
      if (e instanceof FailedCallException failed
          && failed.errno() == FailedCallException.NO_SPACE) {
        return; // what dead mounts had reserved is not back yet
      }
      findings.failedCalls.incrementAndGet();
      lookAgain(mount, e);
    }
  }

  private Path path(TrialMount mount, String name) {
    return mount.root().resolve(directory).resolve(name);
  }

  private String anyName() {
    return "d" + random.nextInt(2) + "/f" + random.nextInt(FILES_MAX / 2);
  }

  private String anyFile() {
    List<String> names = new ArrayList<>(files.keySet());
    return names.isEmpty() ? anyName() : names.get(random.nextInt(names.size()));
  }

  private void unlink(TrialMount mount) throws IOException {
    String name = anyFile();
    if (!files.containsKey(name)) {
      return;
    }
    doing = "unlink " + name;
    if (random.nextBoolean()) {
      Files.delete(path(mount, name));
      files.remove(name);
    } else {
      // While it is open, and written to.
      try (OpenFile file = OpenFile.open(path(mount, name))) {
        Files.delete(path(mount, name));
        files.remove(name);
        byte[] bytes = new byte[1 + random.nextInt(TRANSFER_MAX)];
        file.write(bytes, bytes.length, random.nextInt(LENGTH_MAX - TRANSFER_MAX));
      }
    }
  }

  private void rename(TrialMount mount) throws IOException {
    String from = anyFile();
    String to = anyName();
    FileModel model = files.get(from);
    if (model == null || from.equals(to)) {
      return;
    }
    doing = "rename " + from + " to " + to;
    renaming = new Renaming(from, to);
    try {
      Files.move(path(mount, from), path(mount, to), StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw new IOException("rename between directories is refused", e);
    }
    renaming = null;
    files.remove(from);
    files.put(to, model);
  }

  private void visit(TrialMount mount) throws IOException {
    String name = anyName();
    doing = "open " + name;
    boolean isNew = !files.containsKey(name);
    FileModel model = files.computeIfAbsent(name, n -> new FileModel());
    try (OpenFile file =
        isNew ? OpenFile.create(path(mount, name)) : OpenFile.open(path(mount, name))) {
      for (int i = random.nextInt(CHANGES_MAX); i >= 0; i--) {
        change(file, model, name);
      }
      if (random.nextInt(3) != 0) {
        sync(file, model, name);
      }
    }
    if (random.nextInt(4) == 0) {
      TrialMount reader = mounts.get(random.nextInt(mounts.size()));
      reader.awaitAlive();
      if (random.nextInt(8) == 0) {
        reader.dropCaches();
      }
      doing = "read " + name;
      try (OpenFile file = OpenFile.open(path(reader, name))) {
        read(file, model, name);
      }
    }
  }

  private void change(OpenFile file, FileModel model, String name) throws IOException {
    switch (random.nextInt(10)) {
      case 0 -> {
        int length = random.nextInt(LENGTH_MAX);
        doing = "truncate " + name + " from " + model.length() + " to " + length;
        boolean done = false;
        try {
          file.truncate(length);
          done = true;
        } finally {
          model.truncate(length, done);
        }
      }
      case 1 -> punch(file, model, name);
      case 2 -> read(file, model, name);
      case 3 -> sync(file, model, name);
      default -> write(file, model, name);
    }
  }

  private void write(OpenFile file, FileModel model, String name) throws IOException {
    byte[] bytes = new byte[1 + random.nextInt(TRANSFER_MAX)];
    random.nextBytes(bytes);
    int limit = random.nextInt(3) == 0 ? LENGTH_MAX : Math.max(TRANSFER_MAX + 1, model.length());
    int offset = random.nextInt(limit - TRANSFER_MAX);
    doing = "write " + bytes.length + " at " + offset + " of " + name;
    int done = 0;
    try {
      done = file.write(bytes, bytes.length, offset);
    } finally {
      model.write(offset, bytes, done);
    }
  }

  private void punch(OpenFile file, FileModel model, String name) throws IOException {
    int offset = random.nextInt(LENGTH_MAX);
    int length = 1 + random.nextInt(TRANSFER_MAX);
    doing = "punch " + length + " at " + offset + " of " + name;
    boolean done = false;
    boolean possible = true;
    try {
      file.punch(offset, length);
      done = true;
      findings.punches.incrementAndGet();
    } catch (FailedCallException e) {
      possible = e.errno() != FailedCallException.NOT_SUPPORTED;
      if (possible) {
        throw e;
      }
    } finally {
      if (possible) {
        model.punch(offset, length, done);
      }
    }
  }

  private void sync(OpenFile file, FileModel model, String name) throws IOException {
    doing = "fsync " + name;
    file.sync();
    model.synced();
  }

  private void read(OpenFile file, FileModel model, String name) throws IOException {
    doing = "read " + name;
    byte[] actual = file.readAll();
    findings.wrongBytes(model.wrong(actual), directory + "/" + name);
    findings.verified.incrementAndGet();
  }

  /**
   * A call has failed, so nothing is sure but what was synced: what is there counts from now on.
   */
  private void lookAgain(TrialMount mount, IOException cause) throws IOException {
    IOException last = cause;
    for (int tries = 0; tries < RETRY_MAX; tries++) {
      int life = mount.awaitAlive();
      try {
        if (tries > 0) {
          Thread.sleep(100);
        }
        look(mount);
        return;
      } catch (IOException e) {
        last = e;
        if (mount.life() == life && tries == RETRY_MAX - 1) {
          break;
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      }
    }
    last.addSuppressed(cause);
    throw new IOException(directory + ": " + doing + ": " + last.getMessage(), last);
  }

  private void look(TrialMount mount) throws IOException {
    Set<String> names = new HashSet<>();
    for (int i = 0; i < 2; i++) {
      try (DirectoryStream<Path> there = Files.newDirectoryStream(path(mount, "d" + i))) {
        for (Path name : there) {
          names.add("d" + i + "/" + name.getFileName());
        }
      } catch (DirectoryIteratorException e) {
        throw e.getCause();
      }
    }
    Map<String, byte[]> contents = new TreeMap<>();
    for (String name : names) {
      try (OpenFile file = OpenFile.open(path(mount, name))) {
        contents.put(name, file.readAll());
      }
    }
    settleNames(names);
    for (Map.Entry<String, byte[]> entry : contents.entrySet()) {
      String name = entry.getKey();
      byte[] actual = entry.getValue();
      FileModel model = files.get(name);
      if (model == null) {
        findings.wrongBytes(Math.max(1, actual.length), directory + "/" + name + ": unexpected");
        model = new FileModel();
        files.put(name, model);
        model.wrongAfterCrash(actual);
      } else {
        findings.wrongBytes(
            model.wrongAfterCrash(actual), directory + "/" + name + " after a crash in: " + doing);
      }
    }
    findings.verified.addAndGet(names.size());
  }

  /** Whether what may have happened to names has happened. */
  private void settleNames(Set<String> names) {
    Renaming begun = renaming;
    renaming = null;
    if (begun != null && !names.contains(begun.from)) {
      FileModel moved = files.remove(begun.from);
      if (moved != null) {
        files.put(begun.to, moved);
      }
    }
    String maybe = doing.startsWith("unlink ") ? doing.substring("unlink ".length()) : "";
    String maybeNew = doing.startsWith("open ") ? doing.substring("open ".length()) : "";
    for (String name : List.copyOf(files.keySet())) {
      if (names.contains(name)) {
        continue;
      }
      FileModel model = files.remove(name);
      if (!name.equals(maybe) && !(name.equals(maybeNew) && model.length() == 0)) {
        findings.wrongBytes(
            Math.max(1, model.length()), directory + "/" + name + ": lost in " + doing);
      }
    }
  }

  /** Everything is read a last time, by every mount, and removed by the caller. */
  void end() throws IOException {
    for (TrialMount mount : mounts) {
      mount.dropCaches();
      for (Map.Entry<String, FileModel> entry : files.entrySet()) {
        try (OpenFile file = OpenFile.open(path(mount, entry.getKey()))) {
          read(file, entry.getValue(), entry.getKey());
        }
      }
    }
  }
}

package io.curvefs.client.content;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.curvefs.id.InodeId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of a mount that are open, or are kept for what they have left to commit: one content
 * for each. Thread-safe.
 *
 * @param <F> how bytes are kept
 */
public final class OpenContents<F extends FileContent> {
  private static final Logger log = LoggerFactory.getLogger(OpenContents.class);

  private final Function<InodeId, F> make;
  private final Consumer<F> lastClosed;
  private final Predicate<F> isKept;

  @GuardedBy("this")
  private final Map<InodeId, Held<F>> files = new HashMap<>();

  private static final class Held<F> {
    final F file;
    int openers;

    Held(F file) {
      this.file = file;
    }
  }

  /**
   * @param lastClosed told that the last who had it open has closed it; must not wait
   * @param isKept whether a file that nobody has open is kept all the same
   */
  public OpenContents(Function<InodeId, F> make, Consumer<F> lastClosed, Predicate<F> isKept) {
    this.make = make;
    this.lastClosed = lastClosed;
    this.isKept = isKept;
  }

  @GuardedBy("this")
  private Held<F> held(InodeId inode) {
    return files.computeIfAbsent(inode, i -> new Held<>(make.apply(i)));
  }

  /** See {@link Contents#open}. */
  public synchronized F open(InodeId inode) {
    Held<F> held = held(inode);
    held.openers++;
    return held.file;
  }

  /** A file that is kept without being open; {@link #settled} follows. */
  public synchronized F keep(InodeId inode) {
    return held(inode).file;
  }

  /** See {@link Contents#find}. */
  public synchronized @Nullable F find(InodeId inode) {
    Held<F> held = files.get(inode);
    return held == null ? null : held.file;
  }

  /** See {@link Contents#close(FileContent)}. */
  public synchronized void close(FileContent file) {
    Held<F> held = files.get(file.inode());
    if (held == null || held.file != file || held.openers == 0) {
      throw new IllegalStateException("inode " + file.inode().value() + " is not open");
    }
    held.openers--;
    if (held.openers == 0) {
      lastClosed.accept(held.file);
    }
    settled(file.inode());
  }

  /** The file may not have to be kept any more. */
  public synchronized void settled(InodeId inode) {
    Held<F> held = files.get(inode);
    if (held != null && held.openers == 0 && !isKept.test(held.file)) {
      files.remove(inode);
    }
  }

  public synchronized List<F> all() {
    List<F> all = new ArrayList<>(files.size());
    files.values().forEach(held -> all.add(held.file));
    return all;
  }

  /** See {@link Contents#flushAll}. */
  public List<String> flushAll() {
    List<String> failed = new ArrayList<>();
    for (F file : all()) {
      try {
        file.flush();
      } catch (IOException e) {
        log.error("lost at the end: {}", e.getMessage());
        failed.add(String.valueOf(e.getMessage()));
      }
    }
    return failed;
  }
}

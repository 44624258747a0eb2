package io.curvefs.client.defrag;

import com.google.protobuf.ByteString;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.volume.FileMover;
import io.curvefs.client.volume.Mover;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Walks through the tree of a file system on volumes and moves what lies in pieces. Files are moved
 * as they are met, so that those of a directory come to lie near each other and nothing has to be
 * remembered of a million of them. For one thread.
 */
public final class Defragmenter {
  /** Files that share a request. */
  private static final int FILES_PER_REQUEST = 256;

  /** Failures one behind the other: metaservers or volumes are not there any more. */
  private static final int FAILURES_MAX = 10;

  private final NamespaceClient namespace;

  public Defragmenter(NamespaceClient namespace) {
    this.namespace = namespace;
  }

  /**
   * Adds up how the files lie; changes nothing.
   *
   * @throws IOException when some could not be looked at
   */
  public Totals survey() throws IOException, InterruptedException {
    return new Pass(
            new Work() {
              @Override
              public FileLayout file(ByteString path, InodeId inode, FileLayout layout) {
                return layout;
              }

              @Override
              public void failed(ByteString path, RefusedException reason) throws IOException {
                throw new IOException(text(path) + ": " + reason.getMessage(), reason);
              }
            })
        .run();
  }

  /**
   * Moves what is fragmented.
   *
   * @return how the files lie now
   * @throws IOException when it was given up, because nothing works any more
   */
  public Totals run(Mover mover, DefragListener listener) throws IOException, InterruptedException {
    return new Pass(new Moving(mover, listener)).run();
  }

  /** What is done with what a walk finds. */
  private interface Work {
    /**
     * @return how the file lies now
     */
    FileLayout file(ByteString path, InodeId inode, FileLayout layout)
        throws IOException, InterruptedException;

    /** A file, or a directory, could not be looked at. */
    void failed(ByteString path, RefusedException reason) throws IOException;
  }

  /** One walk through the tree. */
  private final class Pass implements FileWalk.Visitor {
    private final Work work;
    private final Map<InodeId, ByteString> waiting = new LinkedHashMap<>();
    private Totals totals = Totals.NONE;

    Pass(Work work) {
      this.work = work;
    }

    Totals run() throws IOException, InterruptedException {
      new FileWalk(namespace, this).walk();
      flush();
      return totals;
    }

    @Override
    public void file(ByteString path, InodeId inode) throws IOException, InterruptedException {
      waiting.put(inode, path);
      if (waiting.size() == FILES_PER_REQUEST) {
        flush();
      }
    }

    @Override
    public void unlisted(ByteString path, RefusedException reason) throws IOException {
      work.failed(path, reason);
    }

    private void flush() throws IOException, InterruptedException {
      namespace.forgetAll(); // what it keeps is for those who come back
      Map<InodeId, FileLayout> layouts;
      try {
        layouts = FileLayout.of(namespace, waiting.keySet());
      } catch (RefusedException e) {
        for (ByteString path : waiting.values()) {
          work.failed(path, e);
        }
        waiting.clear();
        return;
      }
      for (Map.Entry<InodeId, ByteString> file : waiting.entrySet()) {
        FileLayout layout = layouts.get(file.getKey());
        if (layout != null) {
          totals = totals.plus(work.file(file.getValue(), file.getKey(), layout));
        }
      }
      waiting.clear();
    }
  }

  /** Moves files. */
  private final class Moving implements Work {
    private final Mover mover;
    private final DefragListener listener;
    private int failures;

    Moving(Mover mover, DefragListener listener) {
      this.mover = mover;
      this.listener = listener;
    }

    @Override
    public FileLayout file(ByteString path, InodeId inode, FileLayout layout)
        throws IOException, InterruptedException {
      if (layout.fragmented().isEmpty()) {
        return layout;
      }
      try {
        FileEnd end = moved(path, inode, layout);
        FileLayout after = FileLayout.of(namespace, List.of(inode)).get(inode);
        listener.ended(end);
        failures = 0;
        return after == null ? FileLayout.NOTHING : after;
      } catch (IOException e) {
        failed(path, e);
        return layout;
      }
    }

    private FileEnd moved(ByteString path, InodeId inode, FileLayout layout)
        throws IOException, InterruptedException {
      FileMover file = mover.file(inode);
      String left = "";
      for (int chunk : layout.fragmented()) {
        FileMover.Moved moved = file.move(chunk, listener::copied);
        String reason = reason(moved);
        left = reason.isEmpty() ? left : reason;
        if (!mayGoOn(moved)) {
          break;
        }
      }
      return new FileEnd(
          text(path), left.isEmpty() ? FileEnd.Kind.MOVED : FileEnd.Kind.SKIPPED, left);
    }

    @Override
    public void failed(ByteString path, RefusedException reason) throws IOException {
      failed(path, (IOException) reason);
    }

    private void failed(ByteString path, IOException reason) throws IOException {
      String message = String.valueOf(reason.getMessage()).replace('\n', ' ');
      listener.ended(new FileEnd(text(path), FileEnd.Kind.FAILED, message));
      if (++failures == FAILURES_MAX) {
        throw new IOException(
            failures + " files failed one after the other: given up; the last: " + message, reason);
      }
    }
  }

  /** Whether other chunks of the file may fare better. */
  private static boolean mayGoOn(FileMover.Moved moved) {
    return switch (moved) {
      case DONE, WHOLE, NO_ROOM, ROOM_RESTS -> true;
      case OPEN, CHANGED, GONE -> false;
    };
  }

  /** Why a chunk was left; empty: it was not. */
  private static String reason(FileMover.Moved moved) {
    return switch (moved) {
      case DONE, WHOLE -> "";
      case OPEN -> "it is open, or was a moment ago";
      case CHANGED -> "changed meanwhile, again and again";
      case NO_ROOM -> "no contiguous space";
      case ROOM_RESTS -> "no contiguous space until freed space has rested";
      case GONE -> "removed meanwhile";
    };
  }

  private static String text(ByteString path) {
    return path.toStringUtf8().replace("\n", "\\n");
  }
}

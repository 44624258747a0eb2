package io.curvefs.client.warmup;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Entries in a file, one behind the other: what is too much for memory. A crash or a full disk may
 * tear the last one, and with it the file ends. Not synced: a job that is resumed writes its files
 * anew. Thread-safe.
 */
final class EntryFile implements AutoCloseable {
  private static final byte[] MAGIC = "CFSWARM1".getBytes(StandardCharsets.US_ASCII);

  /** Longest text within an entry: far beyond any path that a kernel takes. */
  private static final int TEXT_BYTES_MAX = 1 << 20;

  private final Path path;
  private final long bytesMax;
  private final Opener opener;

  @GuardedBy("this")
  private @Nullable OutputStream out;

  @GuardedBy("this")
  private long size = MAGIC.length;

  @GuardedBy("this")
  private long left;

  /** How a file is begun anew. */
  @FunctionalInterface
  interface Opener {
    OutputStream open(Path path) throws IOException;
  }

  /**
   * @param bytesMax what is appended beyond it is only counted
   */
  EntryFile(Path path, long bytesMax) {
    this(path, bytesMax, Files::newOutputStream);
  }

  EntryFile(Path path, long bytesMax, Opener opener) {
    this.path = path;
    this.bytesMax = bytesMax;
    this.opener = opener;
  }

  /** Begins anew. */
  synchronized void clear() throws IOException {
    close();
    size = MAGIC.length;
    left = 0;
    out = opener.open(path);
    out.write(MAGIC);
  }

  /**
   * @throws IOException when it cannot be written; then neither it nor what comes after it is in
   *     the file, and all of that counts as {@link #left}
   */
  synchronized void append(Entry entry) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream data = new DataOutputStream(bytes);
    data.writeByte(entry.kind().code());
    data.writeLong(entry.inode());
    data.writeLong(entry.length());
    text(data, entry.path());
    text(data, entry.after());
    text(data, ByteString.copyFromUtf8(entry.reason()));
    if (size + bytes.size() > bytesMax) {
      left++;
      return;
    }
    if (out == null) {
      left++;
      throw new IOException(path + " is closed, or could not be written");
    }
    try {
      bytes.writeTo(out);
      size += bytes.size();
    } catch (IOException e) {
      left++;
      close(); // what would come behind a torn entry could not be read
      throw e;
    }
  }

  private static void text(DataOutputStream data, ByteString text) throws IOException {
    data.writeInt(text.size());
    text.writeTo(data);
  }

  /** Entries that did not fit, or could not be written. */
  synchronized long left() {
    return left;
  }

  /** Takes what is there under another name; appending goes on in a new, empty file. */
  synchronized void moveTo(Path other) throws IOException {
    close();
    Files.move(path, other, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    clear();
  }

  @Override
  public synchronized void close() throws IOException {
    OutputStream ending = out;
    out = null;
    if (ending != null) {
      ending.close();
    }
  }

  /** Takes entries until it has enough. */
  @FunctionalInterface
  interface Visitor {
    /**
     * @return false: no more
     */
    boolean visit(Entry entry) throws IOException, InterruptedException;
  }

  /** Goes through the entries of a file, from the beginning. A file that is not there is empty. */
  static void forEach(Path path, Visitor visitor) throws IOException, InterruptedException {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(path), 1 << 16)) {
      in.skipNBytes(MAGIC.length);
      DataInputStream data = new DataInputStream(in);
      for (Entry entry = next(data); entry != null; entry = next(data)) {
        if (!visitor.visit(entry)) {
          return;
        }
      }
    } catch (NoSuchFileException | EOFException e) {
      // Nothing, or torn: that was all.
    }
  }

  /**
   * Some entries.
   *
   * @param next where to go on; 0: there is no more
   */
  record Page(List<Entry> entries, long next) {}

  /**
   * Entries from an offset on.
   *
   * @param offset 0, or what a page said
   */
  static Page page(Path path, long offset, int bytesMax) throws IOException {
    List<Entry> entries = new ArrayList<>();
    long at = Math.max(offset, MAGIC.length);
    try (InputStream in = new BufferedInputStream(Files.newInputStream(path), 1 << 16)) {
      in.skipNBytes(at);
      DataInputStream data = new DataInputStream(in);
      int taken = 0;
      for (Entry entry = next(data); entry != null; entry = next(data)) {
        int bytes = bytesOf(entry);
        if (taken > 0 && taken + bytes > bytesMax) {
          return new Page(entries, at);
        }
        entries.add(entry);
        taken += bytes;
        at += bytes;
      }
    } catch (NoSuchFileException | EOFException e) {
      // Nothing, or torn: that was all.
    }
    return new Page(entries, 0);
  }

  private static int bytesOf(Entry entry) {
    int reason = entry.reason().getBytes(StandardCharsets.UTF_8).length;
    return 1
        + 2 * Long.BYTES
        + 3 * Integer.BYTES
        + entry.path().size()
        + entry.after().size()
        + reason;
  }

  private static @Nullable Entry next(DataInputStream data) throws IOException {
    Entry.Kind kind = Entry.Kind.of(data.read());
    if (kind == null) {
      return null;
    }
    long inode = data.readLong();
    long length = data.readLong();
    ByteString path = text(data);
    ByteString after = text(data);
    return new Entry(kind, path, after, text(data).toStringUtf8(), inode, length);
  }

  private static ByteString text(DataInputStream data) throws IOException {
    int size = data.readInt();
    if (size < 0 || size > TEXT_BYTES_MAX) {
      throw new EOFException("torn");
    }
    byte[] bytes = new byte[size];
    data.readFully(bytes);
    return ByteString.copyFrom(bytes);
  }
}

package io.curvefs.cache.disk;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Writes files that were not there. Large ones bypass the page cache ({@code O_DIRECT}, open(2)):
 * to copy a block there costs several times the CPU of having the device fetch it, and takes room
 * from what the kernel should keep. Thread-safe.
 */
final class NewFile {
  /** A multiple of what any device asks for. */
  private static final int ALIGNMENT = 4096;

  /** Below this a copy costs less than waiting for the device. */
  private static final int DIRECT_BYTES_MIN = 1 << 20;

  private final FileAttribute<?> permissions;

  /** Not every file system can; tmpfs of old kernels for one. */
  private volatile boolean direct = true;

  NewFile(FileAttribute<?> permissions) {
    this.permissions = permissions;
  }

  /**
   * Makes the file. What a failure leaves behind is the caller's to delete.
   *
   * @param content whole pages of direct memory but the last
   */
  void write(Path file, List<ByteBuffer> content, ByteBuffer tail) throws IOException {
    long bytes = remaining(content);
    if (direct && bytes >= DIRECT_BYTES_MIN && areAligned(content)) {
      try {
        writeDirect(file, content, tail);
        return;
      } catch (IOException | UnsupportedOperationException e) {
        Files.deleteIfExists(file);
        writeThroughPageCache(file, content, tail); // says so if the device is what fails
        direct = false;
        return;
      }
    }
    writeThroughPageCache(file, content, tail);
  }

  private static long remaining(List<ByteBuffer> buffers) {
    return buffers.stream().mapToLong(ByteBuffer::remaining).sum();
  }

  private static boolean areAligned(List<ByteBuffer> content) {
    return content.stream()
        .allMatch(part -> part.isDirect() && part.alignmentOffset(part.position(), ALIGNMENT) == 0);
  }

  private void writeThroughPageCache(Path file, List<ByteBuffer> content, ByteBuffer tail)
      throws IOException {
    List<ByteBuffer> all = new ArrayList<>(content);
    all.add(tail);
    try (FileChannel channel = FileChannel.open(file, Set.of(CREATE_NEW, WRITE), permissions)) {
      writeAll(channel, all);
    }
  }

  /** The end, which is not aligned, goes with padding that is cut off again. */
  private void writeDirect(Path file, List<ByteBuffer> content, ByteBuffer tail)
      throws IOException {
    long length = remaining(content) + tail.remaining();
    ByteBuffer last = content.get(content.size() - 1);
    int aligned = last.remaining() / ALIGNMENT * ALIGNMENT;
    ByteBuffer rest = last.duplicate().position(last.position() + aligned);
    int endBytes = rest.remaining() + tail.remaining();
    int padded = (endBytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    ByteBuffer end = ByteBuffer.allocateDirect(padded + ALIGNMENT).alignedSlice(ALIGNMENT);
    end.limit(padded).put(rest).put(tail.duplicate()).clear().limit(padded);

    List<ByteBuffer> all = new ArrayList<>(content.subList(0, content.size() - 1));
    all.add(last.duplicate().limit(last.position() + aligned));
    all.add(end);
    try (FileChannel channel =
        FileChannel.open(file, Set.of(CREATE_NEW, WRITE, ExtendedOpenOption.DIRECT), permissions)) {
      writeAll(channel, all);
      channel.truncate(length);
    }
  }

  private static void writeAll(FileChannel channel, List<ByteBuffer> buffers) throws IOException {
    ByteBuffer[] all = buffers.toArray(ByteBuffer[]::new);
    long left = remaining(buffers);
    while (left > 0) {
      left -= channel.write(all);
    }
  }
}

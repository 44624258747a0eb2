package io.curvefs.objectstore.aws;

import io.curvefs.objectstore.ObjectStoreMetrics;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;
import org.apache.hc.core5.http.ConnectionClosedException;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.sync.ResponseTransformer;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/**
 * Moves the body of one GET into the caller's buffers and accepts it only if it is exactly what was
 * asked for. May run several times for one call, each time from the first byte. A damaged body
 * drops its connection, a good one is read to its end so that the connection serves again.
 */
final class BodyReader implements ResponseTransformer<GetObjectResponse, Boolean> {

  private static final int CHUNK_BYTES = 64 * 1024;

  /** Socket streams need a heap array; one per reading thread is enough. */
  private static final ThreadLocal<byte[]> CHUNK =
      ThreadLocal.withInitial(() -> new byte[CHUNK_BYTES]);

  private final int objectLength;
  private final int offset;
  private final int length;
  private final List<ByteBuffer> into;
  private final ObjectStoreMetrics metrics;

  BodyReader(
      int objectLength, int offset, int length, List<ByteBuffer> into, ObjectStoreMetrics metrics) {
    this.objectLength = objectLength;
    this.offset = offset;
    this.length = length;
    this.into = into;
    this.metrics = metrics;
  }

  boolean whole() {
    return length == objectLength;
  }

  /** The value of the Range header. */
  String range() {
    return "bytes=" + offset + "-" + lastByte();
  }

  @Override
  public Boolean transform(GetObjectResponse head, AbortableInputStream body) throws IOException {
    try {
      requireExpected(head);
      CRC32C crc = new CRC32C();
      for (ByteBuffer buffer : into) {
        fill(buffer.duplicate(), body, crc);
      }
      if (body.read() >= 0) {
        throw new DamagedBodyException("more than the " + length + " bytes asked for");
      }
      if (whole()) {
        requireSame(BodyChecksum.find(head.metadata()), crc);
      }
      return true;
    } catch (ConnectionClosedException e) {
      body.abort();
      throw new DamagedBodyException("its body ends early", e);
    } catch (IOException e) {
      body.abort();
      throw e;
    }
  }

  private void requireExpected(GetObjectResponse head) throws IOException {
    Long announced = head.contentLength();
    if (announced != null && announced != length) {
      throw new DamagedBodyException("its body has " + announced + " bytes instead of " + length);
    }
    String contentRange = head.contentRange();
    String expected = "bytes " + offset + "-" + lastByte() + "/" + objectLength;
    if (!whole() && !expected.equals(contentRange)) {
      throw new DamagedBodyException("asked for " + expected + ", got " + contentRange);
    }
  }

  private void fill(ByteBuffer target, InputStream body, CRC32C crc) throws IOException {
    byte[] chunk = CHUNK.get();
    while (target.hasRemaining()) {
      int count = body.read(chunk, 0, Math.min(chunk.length, target.remaining()));
      if (count < 0) {
        throw new DamagedBodyException("its body ends early");
      }
      metrics.received(count);
      crc.update(chunk, 0, count);
      target.put(chunk, 0, count);
    }
  }

  private static void requireSame(@Nullable String written, CRC32C read) throws IOException {
    String found = BodyChecksum.hex(read);
    if (written != null && !written.equalsIgnoreCase(found)) {
      throw new DamagedBodyException("its CRC32C is " + found + " instead of " + written);
    }
  }

  private int lastByte() {
    return offset + length - 1;
  }
}

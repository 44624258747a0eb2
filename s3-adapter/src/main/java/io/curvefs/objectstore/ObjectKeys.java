package io.curvefs.objectstore;

import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The layout of keys in a bucket. It outlives every process and must never change.
 *
 * <pre>
 * &lt;uuid&gt;/curvefs.json                                           marker: this prefix is a CurveFS file system
 * &lt;uuid&gt;/data/&lt;2 hex&gt;/&lt;slice as 16 hex&gt;_&lt;index&gt;_&lt;length&gt;    one block of a slice
 * </pre>
 *
 * The two hex digits scatter neighbouring slices over 256 prefixes, because S3 limits requests per
 * prefix.
 */
public final class ObjectKeys {

  private static final String UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
  private static final Pattern UUID_PATTERN = Pattern.compile(UUID);
  private static final Pattern BLOCK =
      Pattern.compile(
          "("
              + UUID
              + ")/data/[0-9a-f]{2}/([0-7][0-9a-f]{15})_(0|[1-9][0-9]{0,9})_([1-9][0-9]{0,9})");

  /** 2^64 divided by the golden ratio: multiplying by it scatters neighbours and strides alike. */
  private static final long SCATTER = 0x9E3779B97F4A7C15L;

  private ObjectKeys() {}

  /** Key of one block; the parameters are those of {@link BlockKey}. */
  public static String block(String fsUuid, long sliceId, int blockIndex, int blockLength) {
    return block(new BlockKey(fsUuid, sliceId, blockIndex, blockLength));
  }

  /** Key of one block. */
  public static String block(BlockKey block) {
    HexFormat hex = HexFormat.of();
    byte prefix = (byte) ((block.sliceId() * SCATTER) >>> 56);
    return data(block.fsUuid())
        + hex.toHexDigits(prefix)
        + '/'
        + hex.toHexDigits(block.sliceId())
        + '_'
        + block.blockIndex()
        + '_'
        + block.blockLength();
  }

  /** Reads a key back, or says that it is not exactly the key of a block. */
  public static Optional<BlockKey> parseBlock(String key) {
    Matcher matcher = BLOCK.matcher(key);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    long index = Long.parseLong(matcher.group(3));
    long length = Long.parseLong(matcher.group(4));
    if (index > Integer.MAX_VALUE || length > Integer.MAX_VALUE) {
      return Optional.empty();
    }
    long slice = Long.parseLong(matcher.group(2), 16);
    BlockKey block = new BlockKey(matcher.group(1), slice, (int) index, (int) length);
    return block(block).equals(key) ? Optional.of(block) : Optional.empty();
  }

  /** Key of the object that marks a prefix as a CurveFS file system. */
  public static String marker(String fsUuid) {
    return prefix(fsUuid) + "curvefs.json";
  }

  /** What every key of a file system begins with. */
  public static String prefix(String fsUuid) {
    requireUuid(fsUuid);
    return fsUuid + '/';
  }

  /** What every block of a file system begins with. */
  public static String data(String fsUuid) {
    return prefix(fsUuid) + "data/";
  }

  static void requireUuid(String fsUuid) {
    if (!UUID_PATTERN.matcher(fsUuid).matches()) {
      throw new IllegalArgumentException(
          "'" + fsUuid + "' is no UUID in canonical lower-case form");
    }
  }
}

package io.curvefs.space.bitmap;

import com.google.errorprone.annotations.CheckReturnValue;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;

/**
 * Bits that are all clear at first. Kept as they are stored: bit 0 is the lowest bit of the first
 * byte. Worked on by words of 64 bits, which are little-endian so that both are the same.
 *
 * <p>Stored in <em>segments</em> of 4096 bits, so that a small change rewrites 512 bytes. A segment
 * can be worked on alone ({@link #over}).
 *
 * <p>Bounds are checked: a range that is empty or not within the bitmap is an
 * IndexOutOfBoundsException or IllegalArgumentException. Not thread-safe.
 */
@CheckReturnValue
public final class Bitmap {
  /** Bits of the largest bitmap. */
  public static final int BITS_MAX = 1 << 15;

  /** Bits of a segment. */
  public static final int SEGMENT_BITS = 1 << 12;

  /** Bytes of a segment as it is stored. The last one of a bitmap is padded with clear bits. */
  public static final int SEGMENT_BYTES = SEGMENT_BITS / Byte.SIZE;

  /** What {@link #set} and {@link #clear} return when they did it. */
  public static final int DONE = -1;

  private static final VarHandle WORD =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** Whole segments. Invariant: bits from {@link #length} on are clear. */
  private final byte[] bytes;

  private final int length;

  private Bitmap(byte[] bytes, int length) {
    this.bytes = bytes;
    this.length = length;
  }

  /**
   * A bitmap whose bits are clear.
   *
   * @param bits 1 to {@link #BITS_MAX}
   */
  public static Bitmap ofBits(int bits) {
    if (bits <= 0 || bits > BITS_MAX) {
      throw new IllegalArgumentException("a bitmap cannot have so many bits: " + bits);
    }
    return new Bitmap(new byte[segments(bits) * SEGMENT_BYTES], bits);
  }

  /** A bitmap of one segment, whose bits are in the given array: who changes one changes both. */
  public static Bitmap over(byte[] segment) {
    checkSegment(segment);
    return new Bitmap(segment, SEGMENT_BITS);
  }

  /** A copy with more bits; the new ones are clear. */
  public Bitmap grownTo(int bits) {
    if (bits < length) {
      throw new IllegalArgumentException("a bitmap of " + length + " cannot grow to " + bits);
    }
    Bitmap grown = ofBits(bits);
    System.arraycopy(bytes, 0, grown.bytes, 0, bytes.length);
    return grown;
  }

  public int length() {
    return length;
  }

  public int segments() {
    return segments(length);
  }

  private static int segments(int bits) {
    return (bits + SEGMENT_BITS - 1) / SEGMENT_BITS;
  }

  /** A copy of one segment, {@link #SEGMENT_BYTES} long. */
  public byte[] segment(int index) {
    int from = Objects.checkIndex(index, segments()) * SEGMENT_BYTES;
    return Arrays.copyOfRange(bytes, from, from + SEGMENT_BYTES);
  }

  /**
   * Puts a stored segment in the place of what is there.
   *
   * @throws IllegalArgumentException and nothing is changed, if it has another size, or bits set
   *     beyond the end of this bitmap
   */
  public void setSegment(int index, byte[] segment) {
    int from = Objects.checkIndex(index, segments()) * SEGMENT_BYTES;
    checkSegment(segment);
    int bits = Math.min(SEGMENT_BITS, length - index * SEGMENT_BITS);
    int beyond = over(segment).nextSet(bits, SEGMENT_BITS);
    if (beyond < SEGMENT_BITS) {
      throw new IllegalArgumentException(
          "segment " + index + " of a bitmap of " + length + " has bit " + beyond + " set");
    }
    System.arraycopy(segment, 0, bytes, from, SEGMENT_BYTES);
  }

  private static void checkSegment(byte[] segment) {
    if (segment.length != SEGMENT_BYTES) {
      throw new IllegalArgumentException("not a segment of a bitmap: " + segment.length + " bytes");
    }
  }

  public boolean isSet(int bit) {
    return (word(Objects.checkIndex(bit, length)) >>> bit & 1) != 0;
  }

  /** How many bits are set. */
  public int count() {
    return count(0, length);
  }

  /** How many bits are set from one on and before another. */
  public int count(int from, int to) {
    checkBounds(from, to);
    int count = 0;
    for (int bit = from; bit < to; bit = wordEnd(bit)) {
      count += Long.bitCount(word(bit) & mask(bit, to));
    }
    return count;
  }

  /**
   * Sets bits that must all be clear.
   *
   * @return {@link #DONE}, or the first bit that is set already; then nothing has changed
   */
  public int set(int from, int count) {
    int to = end(from, count);
    int taken = nextSet(from, to);
    if (taken < to) {
      return taken;
    }
    for (int bit = from; bit < to; bit = wordEnd(bit)) {
      setWord(bit, word(bit) | mask(bit, to));
    }
    return DONE;
  }

  /**
   * Clears bits that must all be set.
   *
   * @return {@link #DONE}, or the first bit that is clear already; then nothing has changed
   */
  public int clear(int from, int count) {
    int to = end(from, count);
    int free = nextClear(from, to);
    if (free < to) {
      return free;
    }
    for (int bit = from; bit < to; bit = wordEnd(bit)) {
      setWord(bit, word(bit) & ~mask(bit, to));
    }
    return DONE;
  }

  /** The first set bit from one on and before another, which is returned when there is none. */
  public int nextSet(int from, int to) {
    checkBounds(from, to);
    for (int bit = from; bit < to; bit = wordEnd(bit)) {
      long set = word(bit) & -1L << bit;
      if (set != 0) {
        return Math.min(to, wordBegin(bit) + Long.numberOfTrailingZeros(set));
      }
    }
    return to;
  }

  /** The first clear bit from one on and before another, which is returned when there is none. */
  public int nextClear(int from, int to) {
    checkBounds(from, to);
    for (int bit = from; bit < to; bit = wordEnd(bit)) {
      long clear = ~word(bit) & -1L << bit;
      if (clear != 0) {
        return Math.min(to, wordBegin(bit) + Long.numberOfTrailingZeros(clear));
      }
    }
    return to;
  }

  /** Where the run of clear bits begins that ends before a bit; that bit, if there is none. */
  public int clearRunBegin(int end) {
    checkBounds(0, end);
    for (int last = end - 1; last >= 0; last = wordBegin(last) - 1) {
      long set = word(last) & -1L >>> (-1 - last);
      if (set != 0) {
        return wordBegin(last) + Long.SIZE - Long.numberOfLeadingZeros(set);
      }
    }
    return 0;
  }

  /** The length of the longest run of clear bits, 0 if all are set. */
  public int longestClearRun() {
    int longest = 0;
    for (int begin = nextClear(0, length); begin < length; ) {
      int end = nextSet(begin, length);
      longest = Math.max(longest, end - begin);
      begin = nextClear(end, length);
    }
    return longest;
  }

  private long word(int bit) {
    return (long) WORD.get(bytes, bit >>> 6 << 3);
  }

  private void setWord(int bit, long word) {
    WORD.set(bytes, bit >>> 6 << 3, word);
  }

  private static int wordBegin(int bit) {
    return bit & -Long.SIZE;
  }

  private static int wordEnd(int bit) {
    return wordBegin(bit) + Long.SIZE;
  }

  /** Of the word of a bit: the bits from that one on and before another. Shifts are modulo 64. */
  private static long mask(int from, int to) {
    long mask = -1L << from;
    return to < wordEnd(from) ? mask & (1L << to) - 1 : mask;
  }

  private int end(int from, int count) {
    if (count <= 0) {
      throw new IllegalArgumentException("not a number of bits: " + count);
    }
    checkBounds(from, from + count);
    return from + count;
  }

  private void checkBounds(int from, int to) {
    if (from < 0 || to < from || to > length) {
      throw new IndexOutOfBoundsException(from + " to " + to + " in a bitmap of " + length);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Bitmap that
        && length == that.length
        && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return count() + " of " + length + " bits set";
  }
}

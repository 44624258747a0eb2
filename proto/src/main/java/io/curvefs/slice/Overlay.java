package io.curvefs.slice;

import io.curvefs.proto.Extent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * What is visible of a chunk whose extents lie over one another, newest on top. Immutable; built
 * once per version of a chunk, read many times.
 */
public final class Overlay {
  /** Where each visible piece begins, to the extent that shows there. Gaps are holes. */
  private final NavigableMap<Integer, Extent> visible;

  private Overlay(NavigableMap<Integer, Extent> visible) {
    this.visible = visible;
  }

  /**
   * Lays the extents over one another.
   *
   * @param extents oldest first
   */
  public static Overlay of(List<Extent> extents) {
    NavigableMap<Integer, Extent> visible = new TreeMap<>();
    for (Extent extent : extents) {
      int from = extent.getChunkOffset();
      int to = from + extent.getLength();
      cutAt(visible, from);
      cutAt(visible, to);
      visible.subMap(from, to).clear();
      if (extent.getSlice() != 0) {
        visible.put(from, extent);
      }
    }
    return new Overlay(visible);
  }

  /** Splits the piece that runs across this offset, so that pieces begin and end there. */
  private static void cutAt(NavigableMap<Integer, Extent> visible, int offset) {
    Map.Entry<Integer, Extent> before = visible.lowerEntry(offset);
    if (before == null) {
      return;
    }
    Extent piece = before.getValue();
    int end = piece.getChunkOffset() + piece.getLength();
    if (end <= offset) {
      return;
    }
    visible.put(piece.getChunkOffset(), part(piece, piece.getChunkOffset(), offset));
    visible.put(offset, part(piece, offset, end));
  }

  private static Extent part(Extent extent, int from, int to) {
    return extent.toBuilder()
        .setChunkOffset(from)
        .setLength(to - from)
        .setSliceOffset(extent.getSliceOffset() + (from - extent.getChunkOffset()))
        .build();
  }

  /**
   * The pieces that make up a range, in order and without overlap. What no piece covers is a hole
   * and reads as zeros.
   *
   * @param from chunk offset of the first byte
   * @param to chunk offset behind the last byte
   */
  public List<Extent> pieces(int from, int to) {
    List<Extent> pieces = new ArrayList<>();
    Map.Entry<Integer, Extent> first = visible.floorEntry(from);
    int start = first == null ? from : first.getKey();
    for (Extent piece : visible.subMap(start, to).values()) {
      int pieceFrom = Math.max(from, piece.getChunkOffset());
      int pieceTo = Math.min(to, piece.getChunkOffset() + piece.getLength());
      if (pieceFrom < pieceTo) {
        pieces.add(part(piece, pieceFrom, pieceTo));
      }
    }
    return pieces;
  }

  /** All visible pieces: the shortest list of extents that reads the same. */
  public List<Extent> flattened() {
    return List.copyOf(visible.values());
  }

  /** Bytes of the chunk that are backed by objects. */
  public long allocated() {
    long sum = 0;
    for (Extent piece : visible.values()) {
      sum += piece.getLength();
    }
    return sum;
  }
}

package io.curvefs.client.cli;

import com.google.protobuf.ByteString;
import io.curvefs.proto.BlockGroupUsage;
import java.util.ArrayList;
import java.util.List;

/** A block group as a line of cells, each darker the more of its blocks are used. Pure. */
final class SpaceMap {
  static final int CELLS = 64;

  /** What the cells mean, for the line above them. */
  static final String LEGEND = "  · free   ░ ▒ ▓ in part   █ full";

  private static final String SHADES = "░▒▓";

  private SpaceMap() {}

  /** At most {@link #CELLS} cells; fewer of a block group with fewer blocks. */
  static String line(BlockGroupUsage usage) {
    StringBuilder line = new StringBuilder();
    for (Cell cell : cells(usage)) {
      line.append(shade(cell));
    }
    return line.toString();
  }

  /** The same in per cent of each cell's blocks, for scripts. */
  static List<Integer> percents(BlockGroupUsage usage) {
    return cells(usage).stream().map(cell -> 100 * cell.set / cell.blocks).toList();
  }

  private record Cell(int set, int blocks) {}

  private static List<Cell> cells(BlockGroupUsage usage) {
    int blocks = usage.getBlocks();
    int count = Math.min(CELLS, blocks);
    List<Cell> cells = new ArrayList<>();
    for (int cell = 0; cell < count; cell++) {
      int first = (int) ((long) cell * blocks / count);
      int end = (int) ((long) (cell + 1) * blocks / count);
      cells.add(new Cell(bits(usage.getBitmap(), first, end), end - first));
    }
    return cells;
  }

  private static int bits(ByteString bitmap, int first, int end) {
    int set = 0;
    for (int block = first; block < end; block++) {
      if (block >>> 3 < bitmap.size() && (bitmap.byteAt(block >>> 3) >>> (block & 7) & 1) == 1) {
        set++;
      }
    }
    return set;
  }

  private static char shade(Cell cell) {
    if (cell.set == 0) {
      return '·';
    }
    return cell.set == cell.blocks ? '█' : SHADES.charAt(cell.set * SHADES.length() / cell.blocks);
  }
}

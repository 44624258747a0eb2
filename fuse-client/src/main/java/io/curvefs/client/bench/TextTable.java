package io.curvefs.client.bench;

import java.util.ArrayList;
import java.util.List;

/** Columns for people: those of numbers stand to the right. */
public final class TextTable {
  private static final String GAP = "  ";

  private final List<List<String>> rows = new ArrayList<>();

  public TextTable(String... headings) {
    rows.add(List.of(headings));
  }

  public TextTable(List<String> headings) {
    rows.add(List.copyOf(headings));
  }

  /**
   * @param cells one for each heading; empty where there is nothing to say
   */
  public TextTable row(List<String> cells) {
    if (cells.size() != rows.get(0).size()) {
      throw new IllegalArgumentException(
          cells.size() + " cells for " + rows.get(0).size() + " headings");
    }
    rows.add(List.copyOf(cells));
    return this;
  }

  public TextTable row(String... cells) {
    return row(List.of(cells));
  }

  /** All lines, each with its newline. */
  @Override
  public String toString() {
    int columns = rows.get(0).size();
    int[] widths = new int[columns];
    boolean[] right = new boolean[columns];
    for (int column = 0; column < columns; column++) {
      int at = column;
      widths[column] = rows.stream().mapToInt(row -> row.get(at).length()).max().orElse(0);
      right[column] = rows.stream().skip(1).allMatch(row -> isNumber(row.get(at)));
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int column = 0; column < columns; column++) {
        String cell = row.get(column);
        String blanks = " ".repeat(widths[column] - cell.length());
        line.append(column == 0 ? "" : GAP).append(right[column] ? blanks + cell : cell + blanks);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  private static boolean isNumber(String cell) {
    return cell.isEmpty() || cell.equals("-") || Character.isDigit(cell.charAt(0));
  }
}

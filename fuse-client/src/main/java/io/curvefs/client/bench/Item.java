package io.curvefs.client.bench;

import java.util.Locale;

/** What is measured, in the order in which it happens. */
enum Item {
  BIG_WRITE("big file: write, fsync, close", true, false),
  BIG_READ_COLD("big file: read, cold", true, true),
  BIG_READ_WARM("big file: read again, warm", true, false),
  SMALL_CREATE("small files: create, write, close", false, false),
  SMALL_READ_COLD("small files: read, cold", false, true),
  SMALL_READ_WARM("small files: read again, warm", false, false),
  SMALL_STAT("small files: stat, cold", false, true),
  SMALL_DELETE("small files: delete", false, false);

  private final String title;
  private final boolean big;
  private final boolean cold;

  Item(String title, boolean big, boolean cold) {
    this.title = title;
    this.big = big;
    this.cold = cold;
  }

  String title() {
    return title;
  }

  /** About the big file; its rate is told in bytes, that of the others in files. */
  boolean big() {
    return big;
  }

  /** Caches are dropped before. */
  boolean cold() {
    return cold;
  }

  /** For scripts. */
  String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}

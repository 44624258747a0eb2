package io.curvefs.client.epochs;

import org.jspecify.annotations.Nullable;

/** Where an epoch finds its bytes, and what it is compared with. */
enum Source {
  COLD("cold", "cold: nothing cached", null, ""),
  S3_ALONE("s3_alone", "the S3 client alone", null, ""),
  WARMUP_AHEAD("warmup_ahead", "cold, a warmup runs ahead", S3_ALONE, "ratio"),
  SECOND_HOST("second_host", "second host's first: memcached", COLD, "speedup"),
  LOCAL_DISK("local_disk", "local directory: disk", null, ""),
  WARM_DISK("warm_disk", "warm: disk cache", LOCAL_DISK, "ratio"),
  LOCAL_PAGE_CACHE("local_page_cache", "local directory: page cache", null, ""),
  WARM_PAGE_CACHE("warm_page_cache", "warm: page cache", LOCAL_PAGE_CACHE, "ratio");

  private final String key;
  private final String title;
  private final @Nullable Source comparedWith;
  private final String ratioName;

  Source(String key, String title, @Nullable Source comparedWith, String ratioName) {
    this.key = key;
    this.title = title;
    this.comparedWith = comparedWith;
    this.ratioName = ratioName;
  }

  /** For scripts. */
  String key() {
    return key;
  }

  /** For people. */
  String title() {
    return title;
  }

  /** Whose rate its own is divided by. */
  @Nullable Source comparedWith() {
    return comparedWith;
  }

  /** Key of that ratio. */
  String ratioKey() {
    return key + "_" + ratioName;
  }
}

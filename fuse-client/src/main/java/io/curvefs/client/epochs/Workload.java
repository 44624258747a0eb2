package io.curvefs.client.epochs;

import io.curvefs.client.quickstart.TrainingSet;
import java.util.List;

/** What is read in an epoch. */
enum Workload {
  /** Each small file, whole. */
  FILES("small files", ""),

  /** Records of the large files, at random places. */
  RECORDS("records of large files", "records_"),

  /** Each large file, from beginning to end. */
  SHARDS("whole large files", "shards_");

  private final String title;
  private final String keyPrefix;

  Workload(String title, String keyPrefix) {
    this.title = title;
    this.keyPrefix = keyPrefix;
  }

  String title() {
    return title;
  }

  /** What its keys for scripts begin with. */
  String keyPrefix() {
    return keyPrefix;
  }

  /** What an epoch reads, each once. */
  List<TrainingSet.Part> parts(TrainingSet set) {
    return switch (this) {
      case FILES -> set.wholeSamples();
      case RECORDS -> set.records();
      case SHARDS -> set.wholeShards();
    };
  }

  /** Whether an object of this length belongs to it. */
  boolean hasObjectOf(long bytes) {
    return switch (this) {
      case FILES -> bytes >= TrainingSet.SAMPLE_BYTES_MIN && bytes <= TrainingSet.SAMPLE_BYTES_MAX;
      case RECORDS, SHARDS -> bytes > TrainingSet.SAMPLE_BYTES_MAX;
    };
  }
}

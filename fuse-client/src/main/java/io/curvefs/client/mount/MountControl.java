package io.curvefs.client.mount;

import com.google.protobuf.ByteString;
import io.curvefs.client.data.StagedUsage;
import io.curvefs.client.vfs.ControlAttributes;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What commands can ask of a mount through attributes of its root directory. Thread-safe. */
final class MountControl implements ControlAttributes {
  static final String PID = PREFIX + "pid";
  static final String STATS = PREFIX + "stats";
  static final String BUCKET = PREFIX + "bucket";
  static final String DROP_CACHES = PREFIX + "drop_caches";

  /** What waits in the write-back journal; setting it to {@link #LEAVE} leaves that there. */
  static final String WRITEBACK = PREFIX + "writeback";

  static final String LEAVE = "leave";

  private final String bucket;

  /** Set once the mount is wired; a kernel cannot ask before. */
  private volatile @Nullable Supplier<Map<String, Double>> statistics;

  private volatile @Nullable Dropper dropper;
  private volatile @Nullable Supplier<Optional<StagedUsage>> staged;
  private volatile @Nullable Runnable leaver;

  /** Empties every cache of the mount. */
  @FunctionalInterface
  interface Dropper {
    void drop() throws IOException;
  }

  /**
   * @param bucket endpoint and bucket, for people
   */
  MountControl(String bucket) {
    this.bucket = bucket;
  }

  /**
   * @param newLeaver has what is staged stay in the journal at the end of the mount
   */
  void wire(
      Supplier<Map<String, Double>> newStatistics,
      Dropper newDropper,
      Supplier<Optional<StagedUsage>> newStaged,
      Runnable newLeaver) {
    statistics = newStatistics;
    dropper = newDropper;
    staged = newStaged;
    leaver = newLeaver;
  }

  @Override
  public @Nullable ByteString get(String name) {
    return switch (name) {
      case PID -> ByteString.copyFromUtf8(Long.toString(ProcessHandle.current().pid()));
      case BUCKET -> ByteString.copyFromUtf8(bucket);
      case STATS -> {
        Supplier<Map<String, Double>> wired = statistics;
        StringBuilder text = new StringBuilder();
        if (wired != null) {
          wired
              .get()
              .forEach((key, value) -> text.append(key).append(' ').append(value).append('\n'));
        }
        yield ByteString.copyFromUtf8(text.toString());
      }
      case WRITEBACK -> {
        Supplier<Optional<StagedUsage>> wired = staged;
        yield ByteString.copyFromUtf8(
            wired == null ? "" : wired.get().map(StagedText::of).orElse(""));
      }
      default -> null;
    };
  }

  @Override
  public boolean set(String name, ByteString value) throws IOException {
    Runnable leaving = leaver;
    if (name.equals(WRITEBACK) && value.toStringUtf8().equals(LEAVE) && leaving != null) {
      leaving.run();
      return true;
    }
    Dropper wired = dropper;
    if (!name.equals(DROP_CACHES) || wired == null) {
      return false;
    }
    wired.drop();
    return true;
  }
}

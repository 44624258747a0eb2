package io.curvefs.client.mount;

import com.google.protobuf.ByteString;
import io.curvefs.client.content.StagedUsage;
import io.curvefs.client.vfs.ControlAttributes;
import io.curvefs.client.warmup.CurveFsAttributes;
import io.curvefs.client.warmup.WarmupMessages;
import io.curvefs.id.InodeId;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What commands can ask of a mount through attributes, mostly of its root. Thread-safe. */
final class MountControl implements ControlAttributes {
  static final String PID = PREFIX + "pid";
  static final String STATS = PREFIX + "stats";
  static final String BUCKET = PREFIX + "bucket";
  static final String ACCESS_LOG = PREFIX + "access_log";
  static final String DROP_CACHES = PREFIX + "drop_caches";

  /** The same where nothing can be set, with what to drop behind it: a read-only mount. */
  static final String DROP_CACHES_BY_ASKING = DROP_CACHES + ".";

  /** What waits in the write-back journal; setting it to {@link #LEAVE} leaves that there. */
  static final String WRITEBACK = PREFIX + "writeback";

  static final String LEAVE = "leave";

  /** Why the mount can do no warmups now; empty: it can. */
  static final String PROBLEM = WarmupMessages.PREFIX + "problem";

  private final String bucket;
  private final String accessLog;

  /** Set once the mount is wired; a kernel cannot ask before. */
  private volatile @Nullable Supplier<Map<String, Double>> statistics;

  private volatile @Nullable Dropper dropper;
  private volatile @Nullable MountWarmup warmup;
  private volatile @Nullable Supplier<Optional<StagedUsage>> staged;
  private volatile @Nullable Runnable leaver;

  /** The value of {@link #DROP_CACHES} that means blocks in memory alone; any other means all. */
  static final String MEMORY_ONLY = "memory";

  /** Empties caches of the mount. */
  @FunctionalInterface
  interface Dropper {
    /**
     * @param memoryOnly only blocks in memory, so that the next reads come from what lies below;
     *     what the kernel has, and metadata, stay
     */
    void drop(boolean memoryOnly) throws IOException;
  }

  /**
   * @param bucket endpoint and bucket, for people
   * @param accessLog path of the access log; empty: there is none
   */
  MountControl(String bucket, String accessLog) {
    this.bucket = bucket;
    this.accessLog = accessLog;
  }

  /**
   * @param newLeaver has what is staged stay in the journal at the end of the mount
   */
  void wire(
      Supplier<Map<String, Double>> newStatistics,
      Dropper newDropper,
      MountWarmup newWarmup,
      Supplier<Optional<StagedUsage>> newStaged,
      Runnable newLeaver) {
    statistics = newStatistics;
    dropper = newDropper;
    warmup = newWarmup;
    staged = newStaged;
    leaver = newLeaver;
  }

  @Override
  public @Nullable ByteString get(Asker asker, InodeId inode, String name) throws IOException {
    MountWarmup warming = warmup;
    if (name.startsWith(DROP_CACHES_BY_ASKING) && warming != null) {
      warming.rights().require(asker); // the kernel asks for read permission only
      drop(name.substring(DROP_CACHES_BY_ASKING.length()));
      return ByteString.EMPTY;
    }
    if (name.startsWith(WarmupMessages.PREFIX) && warming != null) {
      return switch (name) {
        case CurveFsAttributes.OP -> warming.curveFs().get(inode);
        case CurveFsAttributes.LIST -> warming.curveFs().list();
        case PROBLEM -> ByteString.copyFromUtf8(warming.problem());
        default -> {
          String asked = name.substring(WarmupMessages.PREFIX.length());
          if (WarmupMessages.commandsOrNames(asked)) {
            warming.rights().require(asker); // the kernel asks for read permission only
          }
          yield warming.attributes().get(asked);
        }
      };
    }
    return switch (name) {
      case PID -> ByteString.copyFromUtf8(Long.toString(ProcessHandle.current().pid()));
      case BUCKET -> ByteString.copyFromUtf8(bucket);
      case ACCESS_LOG -> ByteString.copyFromUtf8(accessLog);
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
  public boolean set(Asker asker, InodeId inode, String name, ByteString value) throws IOException {
    MountWarmup warming = warmup;
    if (name.equals(CurveFsAttributes.OP) && warming != null) {
      warming.rights().require(asker); // the kernel has looked at this inode, not at the root
      warming.curveFs().set(inode, value);
      return true;
    }
    if (name.startsWith(WarmupMessages.PREFIX) && warming != null) {
      return warming.attributes().set(name.substring(WarmupMessages.PREFIX.length()), value);
    }
    Runnable leaving = leaver;
    if (name.equals(WRITEBACK) && value.toStringUtf8().equals(LEAVE) && leaving != null) {
      leaving.run();
      return true;
    }
    return name.equals(DROP_CACHES) && drop(value.toStringUtf8());
  }

  private boolean drop(String what) throws IOException {
    Dropper wired = dropper;
    if (wired == null) {
      return false;
    }
    wired.drop(what.equals(MEMORY_ONLY));
    return true;
  }
}

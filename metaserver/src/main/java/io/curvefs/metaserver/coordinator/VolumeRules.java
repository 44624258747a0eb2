package io.curvefs.metaserver.coordinator;

import io.curvefs.proto.FileSystem;
import io.curvefs.proto.Volume;
import io.curvefs.proto.VolumeStorage;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Which volumes a file system may have. Pure. Each refusal is a sentence with the remedy. */
final class VolumeRules {
  /** Blocks of a whole block group; the last one of a volume may be shorter. */
  static final int GROUP_BLOCKS = 1 << 15;

  static final int NUMBER_MAX = Short.MAX_VALUE;

  /** Of one file system: its row travels to every mount and server. */
  static final int VOLUMES_MAX = 1024;

  static final int QUARANTINE_SECONDS_MAX = 7 * 24 * 3600;

  private static final int NUMBER_SHIFT = 48;
  private static final long BLOCKS_MAX = (long) Integer.MAX_VALUE * GROUP_BLOCKS;
  private static final Pattern URI = Pattern.compile("[!-+\\--~]{1,1024}");
  private static final Pattern PASSWORD = Pattern.compile("(://[^/@%:]*)[%:][^/@]*@");

  private VolumeRules() {}

  /** The address of a block group's first block. */
  static long address(int volume, long group) {
    return (long) volume << NUMBER_SHIFT | group * GROUP_BLOCKS;
  }

  static int numberOf(long address) {
    return (int) (address >>> NUMBER_SHIFT);
  }

  /** The index on its volume of the block group in which an address lies. */
  static long groupOf(long address) {
    return (address & (1L << NUMBER_SHIFT) - 1) / GROUP_BLOCKS;
  }

  /** Block groups of a volume, the last and perhaps shorter one included. */
  static long groups(Volume volume) {
    return (volume.getBlocks() + GROUP_BLOCKS - 1) / GROUP_BLOCKS;
  }

  static int groupBlocks(Volume volume, long group) {
    return (int) Math.min(GROUP_BLOCKS, volume.getBlocks() - group * GROUP_BLOCKS);
  }

  /** A URI as it may be shown: without the password. */
  static String shown(String uri) {
    return PASSWORD.matcher(uri).replaceFirst("$1@");
  }

  /**
   * What is wrong with the volumes of a new file system; null: nothing.
   *
   * @param others all file systems that there are
   */
  static @Nullable String problem(VolumeStorage wanted, List<FileSystem> others) {
    if (wanted.getVolumesCount() == 0) {
      return "a file system on volumes needs one at least: name it with --volume";
    }
    if (wanted.getQuarantineSeconds() < 1
        || wanted.getQuarantineSeconds() > QUARANTINE_SECONDS_MAX) {
      return "freed blocks can rest for 1 to "
          + QUARANTINE_SECONDS_MAX
          + " seconds, not "
          + Integer.toUnsignedString(wanted.getQuarantineSeconds())
          + ": give another --quarantine";
    }
    if (wanted.getVolumesList().stream()
        .noneMatch(volume -> volume.getPoolSet().equals(wanted.getPoolSet()))) {
      return "no volume is in pool set '"
          + wanted.getPoolSet()
          + "', where files go by default: name a volume's";
    }
    return new Check(Map.of(), others).problem(wanted.getVolumesList());
  }

  /**
   * What is wrong with volumes that are new or changed; null: nothing.
   *
   * @param others all file systems that there are, this one included
   */
  static @Nullable String problem(
      FileSystem fileSystem, List<Volume> wanted, List<FileSystem> others) {
    Map<Integer, Volume> own = new HashMap<>();
    fileSystem
        .getVolumeStorage()
        .getVolumesList()
        .forEach(volume -> own.put(volume.getNumber(), volume));
    return new Check(
            own, others.stream().filter(other -> other.getId() != fileSystem.getId()).toList())
        .problem(wanted);
  }

  /** The volumes with those that are new or changed, in the order of their numbers. */
  static List<Volume> merged(List<Volume> before, List<Volume> changed) {
    Map<Integer, Volume> byNumber = new TreeMap<>();
    before.forEach(volume -> byNumber.put(volume.getNumber(), volume));
    changed.forEach(volume -> byNumber.put(volume.getNumber(), volume));
    return List.copyOf(byNumber.values());
  }

  private static final class Check {
    private final Map<Integer, Volume> own;
    private final List<FileSystem> others;
    private final int highest;

    Check(Map<Integer, Volume> own, List<FileSystem> others) {
      this.own = own;
      this.others = others;
      this.highest = own.keySet().stream().mapToInt(number -> number).max().orElse(0);
    }

    @Nullable String problem(List<Volume> wanted) {
      Set<Integer> numbers = new HashSet<>();
      for (Volume volume : wanted) {
        String problem = problem(volume);
        if (problem != null) {
          return problem;
        }
        if (!numbers.add(volume.getNumber())) {
          return "two volumes have the number " + volume.getNumber() + ": give each its own";
        }
      }
      List<Volume> all = merged(List.copyOf(own.values()), wanted);
      if (all.size() > VOLUMES_MAX) {
        return "a file system has at most "
            + VOLUMES_MAX
            + " volumes: expand those it has instead, with 'curvefs volume expand'";
      }
      return twice(all);
    }

    private @Nullable String problem(Volume volume) {
      String uri = shown(volume.getUri());
      if (!URI.matcher(volume.getUri()).matches()) {
        return "'"
            + uri
            + "' cannot be a volume's URI: it has 1 to 1024 visible characters of ASCII, no comma";
      }
      if (volume.getUuid().isEmpty()) {
        return "volume " + uri + " has no uuid: format it first";
      }
      if (!FileSystemJobs.NAME.matcher(volume.getPoolSet()).matches()) {
        return "'"
            + volume.getPoolSet()
            + "' cannot be a pool set's name: use 1 to 63 lower-case letters, digits and inner"
            + " hyphens";
      }
      if (volume.getBlocks() < 1 || volume.getBlocks() > BLOCKS_MAX) {
        return "volume "
            + uri
            + " cannot have "
            + Long.toUnsignedString(volume.getBlocks())
            + " blocks of 4 KiB, but 1 to "
            + BLOCKS_MAX
            + ": take a device of another size";
      }
      Volume before = own.get(volume.getNumber());
      return before == null ? unfit(volume) : unlike(before, volume);
    }

    private @Nullable String unfit(Volume added) {
      int number = added.getNumber();
      if (number > highest && number <= NUMBER_MAX) {
        return usedElsewhere(added);
      }
      return "volume "
          + shown(added.getUri())
          + " cannot have the number "
          + Integer.toUnsignedString(number)
          + (highest >= NUMBER_MAX
              ? ": none is left, expand a volume instead"
              : ": no number is used twice, and the next is "
                  + (highest + 1)
                  + " (others may have added a volume meanwhile: try it again)");
    }

    private @Nullable String usedElsewhere(Volume added) {
      for (FileSystem other : others) {
        for (Volume used : other.getVolumeStorage().getVolumesList()) {
          if (used.getUuid().equals(added.getUuid())) {
            return "volume "
                + shown(added.getUri())
                + " is volume "
                + used.getNumber()
                + " of file system '"
                + other.getName()
                + "' ("
                + shown(used.getUri())
                + "): name another one";
          }
        }
      }
      return null;
    }

    private static @Nullable String unlike(Volume before, Volume after) {
      String which = "volume " + before.getNumber() + " (" + shown(before.getUri()) + ")";
      if (!before.getUuid().equals(after.getUuid())) {
        return which
            + " has the uuid "
            + before.getUuid()
            + ", and what is there now has "
            + after.getUuid()
            + ": let its URI lead to the right device; if that was formatted anew, its data is lost";
      }
      if (after.getBlocks() < before.getBlocks()) {
        return which
            + " has "
            + before.getBlocks()
            + " blocks of 4 KiB and cannot shrink to "
            + after.getBlocks()
            + ": give its device the old size back";
      }
      if (!before.getPoolSet().equals(after.getPoolSet())) {
        return which
            + " is in pool set '"
            + before.getPoolSet()
            + "' and stays there: do not name '"
            + after.getPoolSet()
            + "'";
      }
      return null;
    }

    private static @Nullable String twice(List<Volume> all) {
      Map<String, Volume> byUri = new HashMap<>();
      Map<String, Volume> byUuid = new HashMap<>();
      for (Volume volume : all) {
        Volume sameUri = byUri.put(volume.getUri(), volume);
        if (sameUri != null) {
          return shown(volume.getUri())
              + " would be volume "
              + sameUri.getNumber()
              + " and volume "
              + volume.getNumber()
              + ": name each device once; one that has grown is told with 'curvefs volume expand'";
        }
        Volume sameUuid = byUuid.put(volume.getUuid(), volume);
        if (sameUuid != null) {
          return shown(volume.getUri())
              + " is the same volume as "
              + shown(sameUuid.getUri())
              + " (number "
              + sameUuid.getNumber()
              + "), under another URI: name each device once";
        }
      }
      return null;
    }
  }
}

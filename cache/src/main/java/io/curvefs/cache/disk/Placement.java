package io.curvefs.cache.disk;

import io.curvefs.cache.BlockId;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Which directory a block belongs into, by rendezvous hashing: each directory has a score for each
 * block, and the one with the highest score takes it. So when a directory comes or goes, only its
 * share of the blocks moves, and every process that names the same directories, in any order,
 * chooses alike. Pure.
 */
final class Placement {
  private final long[] seeds;

  Placement(List<Path> directories) {
    this.seeds = directories.stream().mapToLong(Placement::seed).toArray();
  }

  /** FNV-1a of the path: the same in every process and version. */
  private static long seed(Path directory) {
    long hash = 0xcbf29ce484222325L;
    for (byte b : directory.toString().getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
    }
    return hash;
  }

  /** Positions of the directories, the block's first choice first. */
  List<Integer> ranked(BlockId id) {
    if (seeds.length == 1) {
      return List.of(0);
    }
    long block = mix(id.slice() * 31 + id.index());
    List<Integer> ranked = new ArrayList<>(seeds.length);
    for (int i = 0; i < seeds.length; i++) {
      ranked.add(i);
    }
    ranked.sort((a, b) -> Long.compareUnsigned(mix(seeds[b] ^ block), mix(seeds[a] ^ block)));
    return ranked;
  }

  /** The finalizer of SplitMix64: every bit of the input changes half of the output. */
  private static long mix(long bits) {
    bits = (bits ^ (bits >>> 30)) * 0xbf58476d1ce4e5b9L;
    bits = (bits ^ (bits >>> 27)) * 0x94d049bb133111ebL;
    return bits ^ (bits >>> 31);
  }
}

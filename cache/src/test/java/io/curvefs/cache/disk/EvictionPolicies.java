package io.curvefs.cache.disk;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.curvefs.cache.BlockId;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.function.IntFunction;

/** Ways to choose what a cache of a number of blocks keeps, the real one among them. */
final class EvictionPolicies {
  /** A cache that is asked for one block after the other. */
  interface Policy {
    /** Whether the block is there; if not, it may be taken now. */
    boolean use(long block);
  }

  private EvictionPolicies() {}

  static Map<String, IntFunction<Policy>> all() {
    Map<String, IntFunction<Policy>> all = new LinkedHashMap<>();
    all.put("FIFO", room -> linked(room, false));
    all.put("LRU", room -> linked(room, true));
    all.put("random", EvictionPolicies::random);
    all.put("2Q", TwoQueues::new);
    all.put("SIEVE", Sieve::new);
    all.put("S3-FIFO", S3Fifo::new);
    all.put("W-TinyLFU", EvictionPolicies::tinyLfu);
    all.put("DiskIndex", EvictionPolicies::diskIndex);
    return all;
  }

  static Policy diskIndex(int room) {
    DiskIndex index = new DiskIndex(room);
    return block -> {
      BlockId id = new BlockId(block, 0, 4096);
      if (index.contains(id)) {
        index.used(id);
        return true;
      }
      index.missed(id);
      if (claim(index, id, room)) {
        index.written(id, null);
      }
      return false;
    };
  }

  private static boolean claim(DiskIndex index, BlockId id, int room) {
    try {
      DiskIndex.Claim claim = index.claim(id, Long.MAX_VALUE, room, false);
      while (claim == DiskIndex.Claim.EVICT_FIRST) {
        index.left(Objects.requireNonNull(index.takeVictim()));
        claim = index.claim(id, Long.MAX_VALUE, room, false);
      }
      return claim == DiskIndex.Claim.GRANTED;
    } catch (InterruptedIOException e) {
      throw new AssertionError(e);
    }
  }

  static Policy linked(int room, boolean byUse) {
    Map<Long, Boolean> blocks = new LinkedHashMap<>(16, 0.75f, byUse);
    return block -> {
      if (blocks.get(block) != null) {
        return true;
      }
      blocks.put(block, true);
      if (blocks.size() > room) {
        removeFirst(blocks.keySet());
      }
      return false;
    };
  }

  private static long removeFirst(Set<Long> blocks) {
    Iterator<Long> all = blocks.iterator();
    long first = all.next();
    all.remove();
    return first;
  }

  private static Policy random(int room) {
    Random random = new Random(1);
    Map<Long, Integer> places = new HashMap<>();
    long[] blocks = new long[room];
    return block -> {
      if (places.containsKey(block)) {
        return true;
      }
      int place = places.size() < room ? places.size() : random.nextInt(room);
      places.remove(places.size() < room ? block : blocks[place]);
      blocks[place] = block;
      places.put(block, place);
      return false;
    };
  }

  /** Caffeine's, whose window adapts itself. */
  private static Policy tinyLfu(int room) {
    Cache<Long, Boolean> blocks =
        Caffeine.newBuilder()
            .maximumSize(room)
            .initialCapacity(room)
            .executor(Runnable::run)
            .build();
    return block -> {
      boolean hit = blocks.getIfPresent(block) != null;
      if (!hit) {
        blocks.put(block, true);
      }
      return hit;
    };
  }

  /** Johnson and Shasha, VLDB 1994: a quarter for newcomers, ghosts of half the room. */
  private static final class TwoQueues implements Policy {
    private final int room;
    private final Set<Long> in = new LinkedHashSet<>();
    private final Set<Long> out = new LinkedHashSet<>();
    private final Set<Long> lasting = new LinkedHashSet<>();

    TwoQueues(int room) {
      this.room = room;
    }

    @Override
    public boolean use(long block) {
      if (lasting.remove(block)) {
        lasting.add(block);
        return true;
      }
      if (in.contains(block)) {
        return true;
      }
      if (in.size() + lasting.size() >= room) {
        if (in.size() > room / 4 || lasting.isEmpty()) {
          out.add(removeFirst(in));
          if (out.size() > room / 2) {
            removeFirst(out);
          }
        } else {
          removeFirst(lasting);
        }
      }
      (out.remove(block) ? lasting : in).add(block);
      return false;
    }
  }

  /** Zhang et al., NSDI 2024. */
  private static final class Sieve implements Policy {
    private static final class Node {
      final long block;
      boolean visited;
      Node newer = this;
      Node older = this;

      Node(long block) {
        this.block = block;
      }
    }

    private final int room;
    private final Map<Long, Node> blocks = new HashMap<>();
    private final Node ends = new Node(-1);
    private Node hand = ends;

    Sieve(int room) {
      this.room = room;
    }

    @Override
    public boolean use(long block) {
      Node known = blocks.get(block);
      if (known != null) {
        known.visited = true;
        return true;
      }
      if (blocks.size() >= room) {
        evict();
      }
      Node node = new Node(block);
      node.newer = ends;
      node.older = ends.older;
      ends.older.newer = node;
      ends.older = node;
      blocks.put(block, node);
      return false;
    }

    private void evict() {
      Node at = hand == ends ? ends.newer : hand;
      while (at.visited) {
        at.visited = false;
        at = at.newer == ends ? ends.newer : at.newer;
      }
      hand = at.newer;
      at.newer.older = at.older;
      at.older.newer = at.newer;
      blocks.remove(at.block);
    }
  }

  /** Yang et al., SOSP 2023: a tenth for newcomers, ghosts of as many as the rest. */
  private static final class S3Fifo implements Policy {
    private final int room;
    private final int smallMax;
    private final Map<Long, Integer> uses = new HashMap<>();
    private final Deque<Long> small = new ArrayDeque<>();
    private final Deque<Long> main = new ArrayDeque<>();
    private final Set<Long> ghosts = new LinkedHashSet<>();

    S3Fifo(int room) {
      this.room = room;
      this.smallMax = room / 10;
    }

    @Override
    public boolean use(long block) {
      if (uses.computeIfPresent(block, (key, count) -> Math.min(3, count + 1)) != null) {
        return true;
      }
      while (uses.size() >= room) {
        if (small.size() >= smallMax || main.isEmpty()) {
          evictSmall();
        } else {
          evictMain();
        }
      }
      uses.put(block, 0);
      (ghosts.remove(block) ? main : small).addLast(block);
      return false;
    }

    private void evictSmall() {
      while (!small.isEmpty()) {
        long block = small.removeFirst();
        if (uses.get(block) == 0) {
          uses.remove(block);
          ghosts.add(block);
          if (ghosts.size() > room - smallMax) {
            removeFirst(ghosts);
          }
          return;
        }
        uses.put(block, 0);
        main.addLast(block);
        if (main.size() > room - smallMax) {
          evictMain();
          return;
        }
      }
    }

    private void evictMain() {
      while (true) {
        long block = main.removeFirst();
        int left = uses.get(block) - 1;
        if (left < 0) {
          uses.remove(block);
          return;
        }
        uses.put(block, left);
        main.addLast(block);
      }
    }
  }
}

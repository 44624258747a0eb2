package io.curvefs.cache.tier;

import io.curvefs.cache.BlockCache;
import io.curvefs.cache.BlockSource;
import io.curvefs.cache.memory.MemoryTier;
import io.curvefs.cache.page.PagePool;

class MemoryOnlyCacheTest extends BlockCacheContract {
  @Override
  BlockCache open(PagePool pool, BlockSource source) {
    return new TieredBlockCache(
        pool,
        new MemoryTier(pool, 8L << 20),
        null,
        null,
        source,
        new TieredOptions(LONG, 2, 4, true, true, false, false));
  }
}

/**
 * Filling the tiers that last with the files that somebody names, and telling what became of each.
 * Walks through {@link io.curvefs.client.warmup.FileTree}, moves blocks through {@link
 * io.curvefs.cache.LastingTiers}. Knows neither FUSE nor commands.
 */
@NullMarked
package io.curvefs.client.warmup;

import org.jspecify.annotations.NullMarked;

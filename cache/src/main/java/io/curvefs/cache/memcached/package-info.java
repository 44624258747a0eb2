/**
 * The memcached tier: blocks in parts on servers that many hosts share. Knows nothing of the other
 * tiers, of the object store, or of where the list of servers comes from; its errors never reach a
 * reader. What xmemcached is, only this package knows.
 */
@NullMarked
package io.curvefs.cache.memcached;

import org.jspecify.annotations.NullMarked;

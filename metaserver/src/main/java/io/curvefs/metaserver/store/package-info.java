/**
 * Rows in RocksDB: the key layout, a replica's store, and the overlay an entry writes into. Knows
 * no meaning of a row and no raft.
 */
@NullMarked
package io.curvefs.metaserver.store;

import org.jspecify.annotations.NullMarked;

/**
 * This server's replica of one data group, and what only its leader knows: ids not given out yet,
 * inodes held open, transactions under way. Knows no request and no network.
 */
@NullMarked
package io.curvefs.metaserver.group;

import org.jspecify.annotations.NullMarked;

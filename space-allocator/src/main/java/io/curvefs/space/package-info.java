/**
 * Space on block volumes: bitmaps, block groups and extents. Nothing is built here yet; file data
 * lives in objects only. What comes must be pure: no clock, thread, file, socket or chance.
 */
@NullMarked
package io.curvefs.space;

import org.jspecify.annotations.NullMarked;

/**
 * What the rows mean: inodes, dentries, chunks, xattrs, locks and slots, and the effects that
 * change them. Pure: a function of rows and log entry; no clock, thread, file, socket or chance.
 */
@NullMarked
package io.curvefs.metaserver.partition;

import org.jspecify.annotations.NullMarked;

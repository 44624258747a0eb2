/**
 * The write-back journal: written bytes on a local disk, from their fsync until they are in the
 * object store and committed. Knows blocks and inodes; must know neither the object store, nor the
 * metaservers, nor open files.
 */
@NullMarked
package io.curvefs.client.staging;

import org.jspecify.annotations.NullMarked;

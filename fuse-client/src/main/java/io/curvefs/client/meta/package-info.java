/**
 * The metadata of one mounted file system: requests to the metaservers, the session, and what may
 * be answered from memory. Knows no file handle and no byte of data.
 */
@NullMarked
package io.curvefs.client.meta;

import org.jspecify.annotations.NullMarked;

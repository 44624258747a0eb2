/**
 * POSIX over inodes: what an operation means. Knows neither paths nor FUSE; a front end asks it.
 */
@NullMarked
package io.curvefs.client.vfs;

import org.jspecify.annotations.NullMarked;

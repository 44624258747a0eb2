/**
 * The access log of a mount: a line for each request of the kernel, its writing, following and
 * profile. Knows nothing of mounts, requests, terminals.
 */
@NullMarked
package io.curvefs.client.accesslog;

import org.jspecify.annotations.NullMarked;

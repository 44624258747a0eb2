/**
 * Measures directories through plain file channels: any file system's, and next to ours what it
 * costs in requests, processor time and memory. Knows no command line, and nothing of a mount but
 * what {@link io.curvefs.client.mount.MountHandle} tells everybody.
 */
@NullMarked
package io.curvefs.client.bench;

import org.jspecify.annotations.NullMarked;

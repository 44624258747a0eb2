/** Wiring of one metaserver process, its identity and its command. */
@NullMarked
package io.curvefs.metaserver.server;

import org.jspecify.annotations.NullMarked;

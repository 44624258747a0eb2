/**
 * One metadata operation per file: what it checks and which effects it plans. Knows rows through a
 * view, no raft and no network.
 */
@NullMarked
package io.curvefs.metaserver.operation;

import org.jspecify.annotations.NullMarked;

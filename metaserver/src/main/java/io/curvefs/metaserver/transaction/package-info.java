/**
 * Changes whose rows live in several groups: prepare, decide, finish, and what a new leader
 * resumes. Knows groups by id and reaches them through one port.
 */
@NullMarked
package io.curvefs.metaserver.transaction;

import org.jspecify.annotations.NullMarked;

/**
 * Which free blocks a request gets. Pure: the same calls in the same order give the same ranges.
 * Knows no files, sessions, rows or devices, and keeps nothing: what it answers becomes true when
 * somebody logs it.
 */
@NullMarked
package io.curvefs.space.group;

import org.jspecify.annotations.NullMarked;

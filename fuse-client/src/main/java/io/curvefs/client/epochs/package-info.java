/**
 * The benchmark {@code bench/epochs}: an installation of its own on this machine, shuffled epochs
 * of a training set from each place that may hold it, and their ratios. Starts the same commands
 * that a person would, and knows nothing of what happens within them but what {@link
 * io.curvefs.client.mount.MountHandle} tells everybody. Knows no command line.
 */
@NullMarked
package io.curvefs.client.epochs;

import org.jspecify.annotations.NullMarked;

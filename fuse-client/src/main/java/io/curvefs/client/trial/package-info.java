/**
 * The trial of volumes, {@code bench/volume}: an installation of its own on this machine whose
 * servers and mounts are killed at random while files are filled, changed and removed; every byte
 * is compared with a model, and every block with its owners. Starts the same commands that a person
 * would, and knows nothing of what happens within them. Knows no command line.
 */
@NullMarked
package io.curvefs.client.trial;

import org.jspecify.annotations.NullMarked;

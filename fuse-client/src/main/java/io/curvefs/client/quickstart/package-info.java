/**
 * curvefs quickstart: a whole small cluster on this machine, and its end. Starts the same commands
 * that a person would, as processes of their own, and knows nothing of what happens within them.
 */
@NullMarked
package io.curvefs.client.quickstart;

import org.jspecify.annotations.NullMarked;

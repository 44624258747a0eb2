/** curvefs quickstart: a whole small cluster on this machine, and its end. */
@NullMarked
package io.curvefs.client.quickstart;

import org.jspecify.annotations.NullMarked;

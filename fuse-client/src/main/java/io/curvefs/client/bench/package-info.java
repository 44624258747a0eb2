/** curvefs bench: measures any directory. */
@NullMarked
package io.curvefs.client.bench;

import org.jspecify.annotations.NullMarked;

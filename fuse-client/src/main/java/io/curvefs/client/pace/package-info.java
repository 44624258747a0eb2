/** How fast background work may be. Knows nobody. */
@NullMarked
package io.curvefs.client.pace;

import org.jspecify.annotations.NullMarked;

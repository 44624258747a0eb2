/** Why a request is refused, as values. Knows nothing of who refuses or who asks. */
@NullMarked
package io.curvefs.error;

import org.jspecify.annotations.NullMarked;

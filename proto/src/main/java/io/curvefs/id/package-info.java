/** Typed identifiers. Knows nothing of storage, wire or policy. */
@NullMarked
package io.curvefs.id;

import org.jspecify.annotations.NullMarked;

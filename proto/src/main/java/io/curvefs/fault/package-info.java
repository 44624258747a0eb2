/** Where processes can be made to die, for trials of what they leave behind. */
@NullMarked
package io.curvefs.fault;

import org.jspecify.annotations.NullMarked;

/** The curvefs command. Each command one class; what they do lives elsewhere. */
@NullMarked
package io.curvefs.client.cli;

import org.jspecify.annotations.NullMarked;

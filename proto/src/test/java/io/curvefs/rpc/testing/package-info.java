/** What tests of several modules need of the network. */
@NullMarked
package io.curvefs.rpc.testing;

import org.jspecify.annotations.NullMarked;

/**
 * The {@link io.curvefs.objectstore.ObjectStore} over the AWS SDK for Java 2: which client does
 * what, what is repeated and for how long, and what SDK failures mean.
 *
 * <p>Must not know: the meaning of keys, who calls, or anything of the embedded server.
 */
@NullMarked
package io.curvefs.objectstore.aws;

import org.jspecify.annotations.NullMarked;

/**
 * The object store as the rest of CurveFS sees it: the {@link io.curvefs.objectstore.ObjectStore}
 * port, its errors and counters, where a bucket is, and how keys are laid out in it.
 *
 * <p>Must not know: any S3 SDK, HTTP, slices and their ages, caches, or who calls it.
 */
@NullMarked
package io.curvefs.objectstore;

import org.jspecify.annotations.NullMarked;

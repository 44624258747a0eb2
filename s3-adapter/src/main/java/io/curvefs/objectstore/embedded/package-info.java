/**
 * An S3 service inside this process over a local directory, for the quickstart, tests and
 * benchmarks.
 *
 * <p>Must not know: the S3 client, key layout, or any other part of CurveFS.
 */
@NullMarked
package io.curvefs.objectstore.embedded;

import org.jspecify.annotations.NullMarked;

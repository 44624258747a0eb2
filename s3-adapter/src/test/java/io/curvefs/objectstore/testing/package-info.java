/**
 * What tests of any module need of an object store: a fake in memory, the contract that makes it
 * believable, and an HTTP proxy that damages what passes through.
 */
package io.curvefs.objectstore.testing;

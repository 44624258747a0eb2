/**
 * Requests and replies between processes: length-framed protobuf over Netty. Knows the methods and
 * their messages, not what they mean.
 */
@NullMarked
package io.curvefs.rpc;

import org.jspecify.annotations.NullMarked;

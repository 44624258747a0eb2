package io.curvefs.client.vfs;

/**
 * Who asks, as far as a new inode needs to know.
 *
 * @param uid effective user
 * @param gid effective group
 */
public record Caller(int uid, int gid) {}

package io.curvefs.metaserver.space;

/** The volumes of one class of medium of one file system. */
public record Pool(int fileSystem, String poolSet) {}

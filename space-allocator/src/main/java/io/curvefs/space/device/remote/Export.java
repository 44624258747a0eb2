package io.curvefs.space.device.remote;

/**
 * What a server said about the device.
 *
 * @param size in whole blocks
 * @param transferBytesMax of one read or write
 * @param discardBytesMax of one discard; 0 where it is not supported
 * @param manyConnections whether a flush on one connection covers the writes of all
 */
public record Export(
    long size, int transferBytesMax, long discardBytesMax, boolean manyConnections) {}

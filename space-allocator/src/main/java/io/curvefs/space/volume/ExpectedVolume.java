package io.curvefs.space.volume;

import java.util.UUID;

/**
 * Which volume a device should be.
 *
 * @param fileSystem whose volume
 * @param number of the volume in the file system
 */
public record ExpectedVolume(UUID fileSystem, int number) {}

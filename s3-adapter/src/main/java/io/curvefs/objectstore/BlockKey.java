package io.curvefs.objectstore;

/**
 * What the key of a data object says.
 *
 * @param fsUuid the file system, a UUID in its canonical lower-case form
 * @param sliceId 0 or more
 * @param blockIndex position within the slice in blocks, 0 or more
 * @param blockLength bytes of the object, at least 1
 */
public record BlockKey(String fsUuid, long sliceId, int blockIndex, int blockLength) {

  public BlockKey {
    ObjectKeys.requireUuid(fsUuid);
    if (sliceId < 0 || blockIndex < 0 || blockLength < 1) {
      throw new IllegalArgumentException(
          "no block: slice " + sliceId + ", index " + blockIndex + ", length " + blockLength);
    }
  }
}

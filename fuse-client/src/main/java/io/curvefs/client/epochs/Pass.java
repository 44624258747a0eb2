package io.curvefs.client.epochs;

/**
 * One epoch.
 *
 * @param reads files, or records of them
 * @param s3Gets requests that the mount sent to the object store meanwhile; 0 where there is none
 * @param wrongBytes of files or records whose checksum was not theirs
 */
record Pass(double seconds, int reads, long bytes, long s3Gets, long wrongBytes) {
  double bytesPerSecond() {
    return bytes / seconds;
  }

  double readsPerSecond() {
    return reads / seconds;
  }
}

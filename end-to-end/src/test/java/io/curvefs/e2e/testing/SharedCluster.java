package io.curvefs.e2e.testing;

/** One cluster of one metaserver for all tests that do not harm it; ends with the JVM. */
public final class SharedCluster {
  private static Cluster cluster;
  private static int fileSystems;

  private SharedCluster() {}

  public static synchronized Cluster get() {
    if (cluster == null) {
      cluster = new Cluster(1);
    }
    return cluster;
  }

  /** A new file system's name; it is created where they were chosen to be. */
  public static String newFileSystem() {
    return newFileSystem(Storage.CHOSEN);
  }

  /** A new file system's name; it is created. */
  public static synchronized String newFileSystem(Storage storage) {
    String name = "e2e-" + ++fileSystems;
    get().createFileSystem(storage, name);
    return name;
  }
}

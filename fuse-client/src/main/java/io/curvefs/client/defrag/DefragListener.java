package io.curvefs.client.defrag;

/** Who watches files being defragmented. Told by one thread, which it holds up. */
public interface DefragListener {
  /** A file that was fragmented has come to its end. */
  void ended(FileEnd end);

  /** So many bytes were copied since it was last told. */
  void copied(long bytes);
}

package io.curvefs.client.vfs;

import com.google.protobuf.ByteString;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Extended attributes of the mount's root through which commands talk to the mount process,
 * wherever they run. Their names begin with {@code curvefs.}; they are not stored and not listed.
 */
public interface ControlAttributes {
  String PREFIX = "curvefs.";

  /** The attribute's value now; null: there is no such attribute. */
  @Nullable ByteString get(String name) throws IOException;

  /**
   * Carries out what setting the attribute stands for.
   *
   * @return false: there is no such attribute
   */
  boolean set(String name, ByteString value) throws IOException;
}

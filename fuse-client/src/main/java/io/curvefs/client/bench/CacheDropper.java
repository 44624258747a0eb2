package io.curvefs.client.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;

/** Makes the next reads of files cold. */
interface CacheDropper {
  /** Returns when nothing of these files' content is cached any more, as far as it can know. */
  void drop(Collection<Path> files) throws IOException;

  /** How, in one word for scripts. */
  String key();

  /** How, and what it does not reach, for people. */
  String explanation();
}

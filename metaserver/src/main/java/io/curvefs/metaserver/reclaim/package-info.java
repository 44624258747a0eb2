/** Background work of a group's leader: orphans, garbage, compaction. Talks to the object store. */
@NullMarked
package io.curvefs.metaserver.reclaim;

import org.jspecify.annotations.NullMarked;

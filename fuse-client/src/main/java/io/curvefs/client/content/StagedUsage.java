package io.curvefs.client.content;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What is written and acknowledged, but not yet in the object store for others to see.
 *
 * @param storedBytes what the journal takes on the disk
 * @param oldest age of the oldest block
 * @param throttled closes and fsyncs that were held up because uploads lag behind
 * @param failures attempts that failed
 * @param directory of the journal
 * @param failure why the last attempt to upload failed, or else to commit some file; null: none did
 */
public record StagedUsage(
    int files,
    int blocks,
    long bytes,
    long storedBytes,
    Duration oldest,
    long throttled,
    long failures,
    String directory,
    @Nullable String failure) {}

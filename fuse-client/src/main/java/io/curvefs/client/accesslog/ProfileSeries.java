package io.curvefs.client.accesslog;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a log into intervals of its own time, each with a profile. Lines are in the order of their
 * ends while their times are those of their beginnings: one that began before its interval counts
 * in it all the same. One thread.
 */
public final class ProfileSeries {
  private final AccessProfile.By by;
  private final @Nullable Duration length;
  private Part part;

  /**
   * An interval's requests.
   *
   * @param begin of the interval; null before the first record
   */
  public record Part(@Nullable Instant begin, AccessProfile profile) {}

  /**
   * @param length of an interval; null: the whole log is one
   */
  public ProfileSeries(AccessProfile.By by, @Nullable Duration length) {
    this.by = by;
    this.length = length;
    this.part = new Part(null, new AccessProfile(by));
  }

  /** Takes in a line; the interval that ended with it, if one did. */
  public Optional<Part> add(String line) {
    Optional<AccessRecord> parsed = AccessRecord.parse(line);
    if (parsed.isEmpty()) {
      part.profile.addMalformed();
      return Optional.empty();
    }
    AccessRecord access = parsed.get();
    Part ended = null;
    if (part.begin == null) {
      part = new Part(access.time(), part.profile);
    } else if (length != null && !access.time().isBefore(part.begin.plus(length))) {
      ended = part;
      long passed = Duration.between(part.begin, access.time()).dividedBy(length);
      part = new Part(part.begin.plus(length.multipliedBy(passed)), new AccessProfile(by));
    }
    part.profile.add(access);
    return Optional.ofNullable(ended);
  }

  /** The interval that has not ended. */
  public Part rest() {
    return part;
  }
}

package io.curvefs.client.vfs;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.RemovalCause;
import io.curvefs.client.content.ContentListener;
import io.curvefs.client.meta.Attributes;
import io.curvefs.id.InodeId;
import org.jspecify.annotations.Nullable;

/**
 * Which version of each file the asking side (the kernel) may hold in its own caches: its length,
 * and its pages. What this mount writes passes through those caches, so it does not make them
 * stale; what another mount writes does. Thread-safe.
 */
final class SeenVersions implements ContentListener {
  /** About 130 bytes of heap each. */
  private static final int FILES_MAX = 500_000;

  private static final long NONE = -1;

  private final Cache<InodeId, Seen> seen =
      Caffeine.newBuilder()
          .maximumSize(FILES_MAX)
          .executor(Runnable::run)
          .removalListener(this::forgotten)
          .build();

  private volatile @Nullable StalePages stalePages;

  /**
   * From now on the asking side keeps pages without opening files: it has to be told which are
   * stale.
   */
  void tell(StalePages told) {
    stalePages = told;
  }

  private void forgotten(@Nullable InodeId inode, @Nullable Seen last, RemovalCause cause) {
    if (cause != RemovalCause.REPLACED && inode != null && last != null && last.pages != NONE) {
      tellStale(inode);
    }
  }

  private void tellStale(InodeId inode) {
    StalePages told = stalePages;
    if (told != null) {
      told.stale(inode);
    }
  }

  /**
   * @param askedAgain whoever opened last was sent to ask for the attributes
   */
  private record Seen(long length, long pages, boolean askedAgain) {
    static final Seen NOTHING = new Seen(NONE, NONE, false);
  }

  /** The attributes are about to be handed out. */
  void shown(Attributes attributes) {
    if (!attributes.isRegular()) {
      return;
    }
    long version = attributes.dataVersion();
    boolean[] stale = {false};
    seen.asMap()
        .compute(
            attributes.id(),
            (id, s) -> {
              Seen before = orNothing(s);
              stale[0] = stalePages != null && before.pages != NONE && before.pages != version;
              return new Seen(version, stale[0] ? version : before.pages, before.askedAgain);
            });
    if (stale[0]) {
      tellStale(attributes.id());
    }
  }

  /** A file's pages are handed out to an asking side that has not opened it. */
  void read(Attributes attributes) {
    @Nullable Seen known = seen.getIfPresent(attributes.id());
    if (known != null && known.pages != NONE) {
      return;
    }
    seen.asMap()
        .compute(
            attributes.id(),
            (id, s) -> {
              Seen before = orNothing(s);
              return before.pages != NONE
                  ? before
                  : new Seen(before.length, attributes.dataVersion(), before.askedAgain);
            });
  }

  private static Seen orNothing(@Nullable Seen before) {
    return before == null ? Seen.NOTHING : before;
  }

  @Override
  public void changedHere(InodeId inode, long dataVersion) {
    seen.asMap()
        .computeIfPresent(
            inode,
            (id, before) ->
                new Seen(
                    before.length == dataVersion - 1 ? dataVersion : before.length,
                    before.pages == dataVersion - 1 ? dataVersion : before.pages,
                    before.askedAgain));
  }

  @Override
  public void lostHere(InodeId inode) {
    seen.invalidate(inode);
  }

  /**
   * Whether somebody who wants to append must be sent to ask for the attributes first: to Linux an
   * ESTALE says so (path lookup is repeated with LOOKUP_REVAL, once). Nobody is sent twice in a
   * row.
   */
  boolean mustAskAgain(Attributes attributes) {
    boolean[] must = {false};
    seen.asMap()
        .compute(
            attributes.id(),
            (id, s) -> {
              Seen before = orNothing(s);
              must[0] = before.length != attributes.dataVersion() && !before.askedAgain;
              return new Seen(before.length, before.pages, must[0]);
            });
    return must[0];
  }

  /** What an open finds of the caches. */
  record Caches(boolean lengthIsCurrent, boolean pagesAreCurrent) {}

  /** The file is opened at this version; its pages are of it from now on. */
  Caches opened(Attributes attributes) {
    @Nullable Seen before = seen.getIfPresent(attributes.id());
    long version = attributes.dataVersion();
    seen.asMap().compute(attributes.id(), (id, s) -> new Seen(orNothing(s).length, version, false));
    return new Caches(
        before != null && before.length == version, before != null && before.pages == version);
  }

  /** Nothing cached counts any more. */
  void forgetAll() {
    seen.invalidateAll();
  }
}

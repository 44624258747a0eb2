package io.curvefs.client.meta;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Inode;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class MetadataCacheTest {
  private static final InodeId DIR = InodeId.ROOT;
  private static final ByteString NAME = ByteString.copyFromUtf8("f");

  private long now = 1_000_000;
  private final MetadataCache cache =
      new MetadataCache(
          Duration.ofNanos(100), Duration.ofNanos(100), Duration.ofNanos(50), () -> now);

  private static Attributes attributes(long id, long version) {
    return Attributes.of(Inode.newBuilder().setId(id).setVersion(version).build());
  }

  @Test
  void what_is_known_is_answered_until_its_time_is_over() {
    cache.put(attributes(5, 1));
    cache.putName(DIR, NAME, new InodeId(5));
    now += 99;
    assertThat(cache.attributes(new InodeId(5))).isNotNull();
    assertThat(cache.name(DIR, NAME)).isNotNull();
    now += 1;
    assertThat(cache.attributes(new InodeId(5))).isNull();
    assertThat(cache.name(DIR, NAME)).isNull();
  }

  @Test
  void an_answer_that_was_overtaken_does_not_replace_a_newer_one() {
    cache.put(attributes(5, 7));
    cache.put(attributes(5, 6));
    assertThat(cache.attributes(new InodeId(5)).version()).isEqualTo(7);
  }

  @Test
  void the_absence_of_a_name_has_a_time_of_its_own() {
    cache.putAbsent(DIR, NAME);
    assertThat(cache.name(DIR, NAME).child()).isNull();
    now += 50;
    assertThat(cache.name(DIR, NAME)).isNull();
  }

  @Test
  void the_stats_that_follow_a_listing_without_a_pause_use_it_however_long_they_take() {
    MetadataCache.Listing listing = cache.newListing();
    for (long id = 2; id < 1000; id++) {
      cache.put(attributes(id, 1), listing);
    }
    for (long id = 2; id < 1000; id++) {
      now += 90;
      assertThat(cache.attributes(new InodeId(id))).as("inode %d", id).isNotNull();
    }
  }

  @Test
  void an_entry_of_a_listing_is_used_beyond_its_time_only_once() {
    MetadataCache.Listing listing = cache.newListing();
    cache.put(attributes(5, 1), listing);
    cache.put(attributes(6, 1), listing);
    now += 90;
    assertThat(cache.attributes(new InodeId(6))).isNotNull();
    now += 90;
    assertThat(cache.attributes(new InodeId(5))).isNotNull();
    assertThat(cache.attributes(new InodeId(5))).isNull();
  }

  @Test
  void after_a_pause_a_listing_counts_no_more() {
    MetadataCache.Listing listing = cache.newListing();
    cache.put(attributes(5, 1), listing);
    now += 101;
    assertThat(cache.attributes(new InodeId(5))).isNull();
  }
}

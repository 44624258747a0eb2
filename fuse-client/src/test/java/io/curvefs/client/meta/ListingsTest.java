package io.curvefs.client.meta;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Dentry;
import io.curvefs.proto.DirectoryEntry;
import io.curvefs.proto.Inode;
import io.curvefs.proto.ReadReply;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ListingsTest {
  private static final InodeId DIRECTORY = new InodeId(5);
  private static final ByteString FIRST = ByteString.EMPTY;
  private static final ReadReply PAGE =
      ReadReply.newBuilder()
          .addInodes(Inode.newBuilder().setId(5).setVersion(3))
          .addEntries(
              DirectoryEntry.newBuilder()
                  .setName(ByteString.copyFromUtf8("f"))
                  .setDentry(Dentry.newBuilder().setChild(6))
                  .setInode(Inode.newBuilder().setId(6)))
          .setEnd(true)
          .build();

  private long now;
  private final Listings listings = new Listings(Duration.ofSeconds(1), () -> now);

  private static Attributes version(long version) {
    return Attributes.of(Inode.newBuilder().setId(5).setVersion(version).build());
  }

  @Test
  void a_page_is_known_for_its_time_without_what_attributes_tell() {
    listings.put(DIRECTORY, FIRST, PAGE, listings.stamp(DIRECTORY));

    ReadReply found = listings.find(DIRECTORY, FIRST, version(3));
    assertThat(found.getEntriesList()).hasSize(1);
    assertThat(found.getEntries(0).hasInode()).isFalse();
    assertThat(found.getEnd()).isTrue();
    assertThat(listings.find(DIRECTORY, ByteString.copyFromUtf8("f"), null)).isNull();
    now += Duration.ofSeconds(1).toNanos();
    assertThat(listings.find(DIRECTORY, FIRST, version(3))).isNull();
  }

  @Test
  void changes_made_here_and_news_of_others_end_it() {
    listings.put(DIRECTORY, FIRST, PAGE, listings.stamp(DIRECTORY));
    assertThat(listings.find(DIRECTORY, FIRST, version(4))).isNull();
    listings.changed(DIRECTORY);
    assertThat(listings.find(DIRECTORY, FIRST, version(3))).isNull();
  }

  @Test
  void a_page_that_was_asked_for_before_a_change_is_not_kept() {
    long stamp = listings.stamp(DIRECTORY);
    listings.changed(DIRECTORY);
    listings.put(DIRECTORY, FIRST, PAGE, stamp);
    assertThat(listings.find(DIRECTORY, FIRST, null)).isNull();
  }
}

package io.curvefs.client.vfs;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.curvefs.proto.DirectoryEntry;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class VisitedPagesTest {
  private static ByteString name(String text) {
    return ByteString.copyFromUtf8(text);
  }

  private static List<DirectoryEntry> entries(String... names) {
    return Stream.of(names)
        .map(text -> DirectoryEntry.newBuilder().setName(name(text)).build())
        .toList();
  }

  private static List<Integer> placesOf(VisitedPages.Page page, String... names) {
    VisitedPages.Places places = page.places();
    return Stream.of(names).map(text -> places.of(name(text))).toList();
  }

  @Test
  void a_name_keeps_its_place_when_others_go_and_come() {
    VisitedPages visited = new VisitedPages();
    visited.add(entries("a", "b"), false);
    VisitedPages.Page page = visited.add(entries("c", "d", "e"), true);

    assertThat(page.number()).isEqualTo(2);
    assertThat(page.after()).isEqualTo(name("b"));
    assertThat(page.endsBefore(name("e"))).isFalse();
    assertThat(page.endsBefore(name("e0"))).isTrue();
    assertThat(placesOf(page, "bb", "d", "dd", "e")).containsExactly(-1, 1, -1, 2);
    assertThat(visited.find(1).contains(2)).isFalse();
    assertThat(visited.find(2)).isSameAs(page);
    assertThat(visited.end()).isEqualTo(5);
  }

  @Test
  void the_pages_that_were_visited_first_are_counted_when_there_are_too_many_names() {
    VisitedPages visited = new VisitedPages(5);
    VisitedPages.Page first = visited.add(entries("a", "b", "c"), false);
    assertThat(placesOf(first, "b", "c")).containsExactly(1, 2);
    VisitedPages.Page second = visited.add(entries("d", "e", "f"), false);

    assertThat(placesOf(first, "b", "c", "cc", "ccc")).containsExactly(0, 1, 2, -1);
    assertThat(placesOf(second, "e", "f")).containsExactly(1, 2);
  }
}

package io.curvefs.client.accesslog;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AccessRecordTest {
  private static final AccessRecord WRITE =
      new AccessRecord(
          Instant.parse("2026-11-27T19:26:11.003330Z"),
          0,
          0,
          4403,
          "write",
          17669,
          "8666 B at 4993160",
          AccessRecord.OK,
          10);

  @Test
  void a_line_is_as_documented() {
    assertThat(WRITE)
        .hasToString(
            "2026-11-27T19:26:11.003330Z [uid:0,gid:0,pid:4403] write"
                + " (inode 17669, 8666 B at 4993160): OK <0.000010>");
  }

  @Property
  void what_is_written_is_read_again(
      @ForAll @LongRange(max = 0xFFFF_FFFFL) long id,
      @ForAll @LongRange(max = 999_999_999_999_999_999L) long inode,
      @ForAll @LongRange(max = 9_000_000_000L) long micros,
      @ForAll("details") String details) {
    AccessRecord access =
        new AccessRecord(
            WRITE.time(), id, id / 2, id / 3, "lookup", inode, details, "ENOENT", micros);
    assertThat(AccessRecord.parse(access.toString())).contains(access);
  }

  @Provide
  Arbitrary<String> details() {
    return Arbitraries.strings().withChars("a')(:<>,[] 0.").ofMaxLength(20);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "nonsense",
        "2026-11-27T19:26:11.003330Z [uid:0,gid:0,pid:4403] write (inode 17669, 8666 B at 49",
        "yesterdayZ [uid:0,gid:0,pid:1] read (inode 1): OK <0.000010>",
        "2026-11-27T19:26:11Z [uid:0,gid:0,pid:1] read (inode 1): OK <10>",
        "2026-11-27T19:26:11Z [uid:99999999999,gid:0,pid:1] read (inode 1): OK <0.000010>"
      })
  void what_is_no_line_is_told(String line) {
    assertThat(AccessRecord.parse(line)).isEmpty();
  }
}

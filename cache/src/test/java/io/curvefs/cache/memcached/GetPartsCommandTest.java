package io.curvefs.cache.memcached;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.cache.BlockId;
import io.curvefs.cache.TestBlocks;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import net.rubyeye.xmemcached.exception.MemcachedDecodeException;
import net.rubyeye.xmemcached.exception.MemcachedServerException;
import org.junit.jupiter.api.Test;

/** The parser of answers, fed by hand. */
class GetPartsCommandTest {
  private static final UUID NAMESPACE = new UUID(7, 7);
  private static final BlockId ID = new BlockId(3, 1, 2 * PartLayout.BYTES + 77_000);

  private final byte[] bytes = TestBlocks.bytesOf(ID);
  private final byte[] received = new byte[ID.length()];
  private final List<IncomingPart> parts = new ArrayList<>();
  private final ByteArrayOutputStream answer = new ByteArrayOutputStream();

  private int heard;

  private GetPartsCommand command() {
    for (int part = 0; part < 3; part++) {
      ByteBuffer into =
          ByteBuffer.wrap(received, part * PartLayout.BYTES, PartLayout.length(ID, part));
      parts.add(new IncomingPart(NAMESPACE, ID, part, List.of(into)));
    }
    return new GetPartsCommand(parts, () -> heard++);
  }

  private byte[] value(int part) {
    ByteBuffer content =
        ByteBuffer.wrap(bytes, part * PartLayout.BYTES, PartLayout.length(ID, part));
    ByteBuffer value = ByteBuffer.allocate(PartFormat.valueBytes(ID, part));
    PartFormat.putHeader(value, NAMESPACE, ID, part, List.of(content));
    return value.put(content).array();
  }

  private GetPartsCommandTest line(String line) {
    answer.writeBytes((line + "\r\n").getBytes(StandardCharsets.US_ASCII));
    return this;
  }

  private GetPartsCommandTest value(String key, byte[] value) {
    line("VALUE " + key + " 0 " + value.length);
    answer.writeBytes(value);
    return line("");
  }

  /**
   * Feeds the answer in pieces as a connection does; whether the command was complete at its end.
   */
  private boolean feed(GetPartsCommand command, SplittableRandom random) {
    ByteBuffer all = ByteBuffer.wrap(answer.toByteArray());
    ByteBuffer buffer = ByteBuffer.allocate(64 << 10);
    boolean done = false;
    while (!done && all.hasRemaining()) {
      int count = 1 + random.nextInt(Math.min(all.remaining(), buffer.remaining()));
      buffer.put(all.slice(all.position(), count)).flip();
      all.position(all.position() + count);
      done = command.decode(null, buffer);
      buffer.compact();
    }
    assertThat(all.hasRemaining()).isFalse();
    return done;
  }

  @Test
  void parts_arrive_in_any_order_and_in_any_pieces() {
    for (int seed = 0; seed < 20; seed++) {
      Arrays.fill(received, (byte) 0);
      heard = 0;
      GetPartsCommand command = command();
      value(parts.get(2).key(), value(2)).value("stranger", new byte[70_000]);
      value(parts.get(0).key(), value(0)).value(parts.get(1).key(), value(1)).line("END");
      assertThat(feed(command, new SplittableRandom(seed))).as("seed %d", seed).isTrue();
      assertThat(command.getLatch().getCount()).isZero();
      assertThat(parts).hasSize(3).allMatch(IncomingPart::isGood);
      assertThat(heard).isPositive();
      assertThat(received).isEqualTo(bytes);
      parts.clear();
      answer.reset();
    }
  }

  @Test
  void a_part_that_is_not_there_or_of_another_length_or_comes_twice_is_told_apart() {
    GetPartsCommand command = command();
    byte[] again = new byte[value(0).length];
    value(parts.get(0).key(), value(0)).value(parts.get(0).key(), again);
    value(parts.get(1).key(), new byte[90]).line("END");
    assertThat(feed(command, new SplittableRandom(1))).isTrue();
    assertThat(parts.get(0).isGood()).isTrue();
    assertThat(parts.get(1).isPresent()).isTrue();
    assertThat(parts.get(1).isGood()).isFalse();
    assertThat(parts.get(2).isPresent()).isFalse();
    assertThat(parts.get(2).isGood()).isFalse();
  }

  @Test
  void once_abandoned_nothing_is_written_any_more_and_the_rest_is_skipped() {
    GetPartsCommand command = command();
    value(parts.get(0).key(), value(0)).line("END");
    ByteBuffer all = ByteBuffer.wrap(answer.toByteArray());
    ByteBuffer start = all.slice(0, 100_000);
    assertThat(command.decode(null, start)).isFalse();
    byte[] before = received.clone();
    command.abandon();
    assertThat(command.decode(null, all.slice(100_000, all.limit() - 100_000))).isTrue();
    assertThat(received).isEqualTo(before);
  }

  @Test
  void what_the_server_says_instead_is_kept() {
    GetPartsCommand command = command();
    line("SERVER_ERROR out of memory writing get response");
    assertThat(feed(command, new SplittableRandom(1))).isTrue();
    assertThat(command.getException()).isInstanceOf(MemcachedServerException.class);
  }

  @Test
  void garbage_ends_the_connection_and_takes_no_memory() {
    for (String garbage :
        List.of("HTTP/1.1 400 Bad Request", "VALUE x", "VALUE k 0 -5", "x".repeat(5000))) {
      GetPartsCommand command = command();
      line(garbage);
      assertThatThrownBy(() -> command.decode(null, ByteBuffer.wrap(answer.toByteArray())))
          .as(garbage)
          .isInstanceOf(MemcachedDecodeException.class);
      parts.clear();
      answer.reset();
    }
  }
}

package io.curvefs.client.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingCopyTest {
  private static final TrainingSet.Shape SHAPE = new TrainingSet.Shape(20, 3, 2, (5 << 20) + 12345);

  @TempDir Path directory;
  private final TrainingSet set = new TrainingSet(7, SHAPE);
  private TrainingCopy copy;

  @BeforeEach
  void write() throws IOException {
    copy = new TrainingCopy(set, directory, 3);
    copy.write();
  }

  @AfterEach
  void close() {
    copy.close();
  }

  @Test
  void what_was_written_is_read_back_whole_and_record_by_record() throws IOException {
    assertThat(copy.isComplete()).isTrue();
    assertThat(copy.files()).hasSize(22);
    for (List<TrainingSet.Part> parts :
        List.of(set.wholeSamples(), set.wholeShards(), set.records())) {
      TrainingCopy.Epoch epoch = copy.read(TrainingCopy.shuffled(parts, 1));
      assertThat(epoch.wrongBytes()).isZero();
      assertThat(epoch.firstWrong()).isNull();
    }
  }

  @Test
  void records_are_all_of_the_large_files_once() {
    long end = 0;
    for (TrainingSet.Part record : set.records()) {
      end = record.offset() == 0 ? 0 : end;
      assertThat((long) record.offset()).isEqualTo(end);
      end += record.bytes();
      boolean last = end == record.sample().bytes();
      assertThat(record.bytes()).isBetween(last ? 1 : 128 << 10, 1 << 20);
    }
    assertThat(set.records().stream().mapToLong(TrainingSet.Part::bytes).sum())
        .isEqualTo(set.wholeShards().stream().mapToLong(TrainingSet.Part::bytes).sum());
  }

  @Test
  void one_flipped_bit_makes_the_file_and_its_record_wrong_and_no_other() throws IOException {
    TrainingSet.Part damaged = set.records().get(4);
    try (RandomAccessFile file =
        new RandomAccessFile(directory.resolve(damaged.sample().name()).toFile(), "rw")) {
      file.seek(damaged.offset() + damaged.bytes() - 1L);
      int old = file.read();
      file.seek(damaged.offset() + damaged.bytes() - 1L);
      file.write(old ^ 1);
    }

    TrainingCopy.Epoch records = copy.read(set.records());
    assertThat(records.firstWrong()).isEqualTo(damaged);
    assertThat(records.wrongBytes()).isEqualTo(damaged.bytes());
    assertThat(copy.read(set.wholeShards()).wrongBytes()).isEqualTo(damaged.sample().bytes());
    assertThat(copy.read(set.wholeSamples()).wrongBytes()).isZero();
    assertThatThrownBy(() -> copy.read(1)).hasMessageContaining(damaged.sample().name());
  }

  @Test
  void a_file_that_is_too_short_or_too_long_is_wrong() throws IOException {
    TrainingSet.Part first = set.wholeSamples().get(0);
    TrainingSet.Part second = set.wholeSamples().get(1);
    resize(first, first.bytes() - 1L);
    resize(second, second.bytes() + 1L);
    assertThat(copy.read(set.wholeSamples()).wrongBytes())
        .isEqualTo(first.bytes() + second.bytes());
  }

  private void resize(TrainingSet.Part part, long bytes) throws IOException {
    try (RandomAccessFile file =
        new RandomAccessFile(directory.resolve(part.sample().name()).toFile(), "rw")) {
      file.setLength(bytes);
    }
  }
}

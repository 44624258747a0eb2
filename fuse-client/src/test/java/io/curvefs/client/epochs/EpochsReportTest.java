package io.curvefs.client.epochs;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.client.quickstart.TrainingSet;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EpochsReportTest {
  private static final TrainingSet.Shape SHAPE = new TrainingSet.Shape(2, 1, 1, 1 << 20);
  private static final EpochsOptions OPTIONS =
      new EpochsOptions(Path.of("/nowhere"), false, SHAPE, 8, 16, 3, 20, "", 1);

  private final EpochsReport report = new EpochsReport(OPTIONS, new TrainingSet(1, SHAPE));

  @BeforeEach
  void everySourceOnce() {
    for (Workload workload : Workload.values()) {
      for (Source source : Source.values()) {
        report.add(workload, source, new Pass(10, 100, 1000, 0, 0));
      }
    }
  }

  @Test
  void a_ratio_is_the_median_of_the_ratios_of_rounds() {
    for (double seconds : new double[] {20, 5}) {
      report.add(Workload.FILES, Source.LOCAL_DISK, new Pass(10, 100, 1000, 0, 0));
      report.add(Workload.FILES, Source.WARM_DISK, new Pass(seconds, 100, 1000, 0, 0));
    }
    report.add(Workload.FILES, Source.LOCAL_DISK, new Pass(1, 100, 1000, 0, 0));
    report.add(Workload.FILES, Source.WARM_DISK, new Pass(2, 100, 1000, 0, 0));

    // 1, 1/2, 2, 1/2
    assertThat(report.values()).containsEntry("warm_disk_ratio", 0.75);
    assertThat(report.values()).containsEntry("shards_warm_disk_ratio", 1.0);
  }

  @Test
  void requests_and_wrong_bytes_are_summed_over_the_rounds() {
    for (Source local : new Source[] {Source.LOCAL_DISK, Source.LOCAL_PAGE_CACHE}) {
      report.add(Workload.FILES, local, new Pass(10, 100, 1000, 0, 0));
    }
    report.add(Workload.FILES, Source.WARM_DISK, new Pass(10, 100, 1000, 3, 7));
    report.add(Workload.FILES, Source.WARM_PAGE_CACHE, new Pass(10, 100, 1000, 1, 0));
    report.add(Workload.RECORDS, Source.COLD, new Pass(10, 100, 1000, 9, 0));
    report.add(Workload.RECORDS, Source.SECOND_HOST, new Pass(10, 100, 1000, 5, 2));

    assertThat(report.values())
        .containsEntry("warm_epoch_s3_gets", 4L)
        .containsEntry("warm_disk_s3_gets", 3L)
        .containsEntry("second_host_s3_gets", 0L)
        .containsEntry("records_second_host_s3_gets", 5L)
        .containsEntry("wrong_bytes", 9L);
    assertThat(report.text()).contains("9 wrong bytes");
  }
}

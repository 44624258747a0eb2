package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.SharedCluster;
import io.curvefs.e2e.testing.Shell;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What examples/ has, as its README runs it. */
class ExamplesTest {
  private static final Path IMAGE_FOLDER = Checkout.HOME.resolve("examples/imagefolder");
  private static final Pattern EPOCH =
      Pattern.compile("epoch \\d: (\\d+) images, .*, checksum ([0-9a-f]{8})");

  @TempDir private Path local;

  @Test
  void an_image_folder_is_warmed_and_read_in_every_epoch_as_it_was_written() {
    Mount mount = SharedCluster.get().mount(SharedCluster.newFileSystem());
    Path images = mount.path("images");
    Path original = local.resolve("images");
    run("make_dataset.py", original, "--classes", 3, "--images", 20);
    Shell.run("cp", "-r", original, images).ok();
    mount.dropCaches();

    List<String> expected = epochs(run("train.py", original, "--epochs", 1));
    List<String> epochs = epochs(run("job.sh", images, "--epochs", 2, "--workers", 2));

    assertThat(expected).singleElement().asString().startsWith("60 images");
    assertThat(epochs).containsExactly(expected.get(0), expected.get(0));
    assertThat(mount.counted("curvefs.s3.requests{verb=GET}"))
        .as("S3 GETs: one for each image, of the warmup")
        .isEqualTo(60);
    mount.unmount();
  }

  private static String run(String script, Object... arguments) {
    List<Object> command = new ArrayList<>(List.of(IMAGE_FOLDER.resolve(script)));
    command.addAll(List.of(arguments));
    return Shell.run(command.toArray()).ok().out();
  }

  /** How many images each epoch read, and their checksum. */
  private static List<String> epochs(String out) {
    return EPOCH
        .matcher(out)
        .results()
        .map(epoch -> epoch.group(1) + " images, checksum " + epoch.group(2))
        .toList();
  }
}

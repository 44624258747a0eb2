package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Checkout;
import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.SharedCluster;
import io.curvefs.e2e.testing.Shell;
import io.curvefs.e2e.testing.Storage;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What people do on a file system all day. */
@Timeout(300)
@Tag("volumes")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WorkloadTest {
  private Mount mount;

  /** Mount options. */
  String[] options() {
    return new String[0];
  }

  @BeforeAll
  void mount() {
    mount =
        SharedCluster.get().mount(SharedCluster.newFileSystem(Storage.of(getClass())), options());
    Shell.bash(
        mount.root(),
        "mkdir tree && (cd "
            + Checkout.HOME
            + " && tar c --exclude=target --exclude=dist --exclude=.git .) | tar x -C tree");
  }

  @AfterAll
  void unmount() {
    mount.unmount();
  }

  private String bash(String script) {
    return Shell.bash(mount.root(), script);
  }

  @Test
  void a_copied_tree_is_the_same() {
    bash("cp -a tree copy && diff -r tree copy");
    bash("diff -r copy " + Checkout.HOME + " | grep -v '^Only in " + Checkout.HOME + "' || true");
    mount.dropCaches();
    assertThat(bash("diff -r tree copy && echo same")).isEqualTo("same\n");
  }

  @Test
  void a_repository_is_committed_and_checked() {
    assertThat(
            bash(
                """
                mkdir repository && cp -a tree/metaserver repository/ && cd repository
                git init -q && git add -A
                git -c user.name=t -c user.email=t@e commit -qm all
                git fsck --strict && git status --short | wc -l
                git gc -q && git fsck --strict && git -c user.name=t -c user.email=t@e stash list
                """))
        .isEqualTo("0\n");
  }

  @Test
  void an_archive_goes_round() {
    assertThat(
            bash(
                """
                tar czf tree.tgz tree && mkdir out && tar xzf tree.tgz -C out
                diff -r tree out/tree && rm -r out && echo same
                """))
        .isEqualTo("same\n");
  }

  @Test
  void programs_are_built_and_run() {
    assertThat(
            bash(
                """
                mkdir build && cd build
                for i in $(seq 20); do echo "int f$i(void) { return $i; }" > f$i.c; done
                { echo '#include <stdio.h>'; for i in $(seq 20); do echo "int f$i(void);"; done
                  echo 'int main() { printf("%d\\n", 0'
                  for i in $(seq 20); do echo "+ f$i()"; done; echo '); }'; } > main.c
                printf 'OBJ = $(patsubst %%.c,%%.o,$(wildcard *.c))\\nmain: $(OBJ)\\n\\t$(CC) -o $@ $^\\n' > Makefile
                make -s -j2 && ./main && make -s && touch f3.c && make | grep -c f3.c
                """))
        .startsWith("210\n");
    bash(
        """
        mkdir java && cd java && mkdir -p src out
        for i in $(seq 30); do echo "class C$i { int f() { return $i; } }" > src/C$i.java; done
        javac -d out src/*.java && [ "$(ls out | wc -l)" = 30 ] && jar cf c.jar -C out . && jar tf c.jar > /dev/null
        """);
  }

  @ParameterizedTest
  @CsvSource({
    "write, 4k, 16m",
    "write, 1m, 128m",
    "randwrite, 4k, 24m",
    "randwrite, 64k, 64m",
    "randrw, 16k, 32m"
  })
  void fio_verifies_what_it_has_written(String pattern, String blockSize, String size) {
    Shell.bash(
        mount.root(),
        ("fio --name=%1$s-%2$s --rw=%1$s --bs=%2$s --size=%3$s --verify=crc32c --do_verify=1"
                + " --verify_fatal=1 --randseed=1 --end_fsync=1 --invalidate=1 --output=/dev/null")
            .formatted(pattern, blockSize, size));
    mount.dropCaches();
    Shell.bash(
        mount.root(),
        ("fio --name=%1$s-%2$s --rw=%1$s --bs=%2$s --size=%3$s --verify=crc32c --verify_only"
                + " --verify_fatal=1 --randseed=1 --invalidate=1 --output=/dev/null")
            .formatted(pattern, blockSize, size));
  }
}

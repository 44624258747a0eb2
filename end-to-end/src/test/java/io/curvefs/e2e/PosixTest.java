package io.curvefs.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.e2e.testing.Mount;
import io.curvefs.e2e.testing.SharedCluster;
import io.curvefs.e2e.testing.Shell;
import io.curvefs.e2e.testing.Storage;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** What POSIX says of a file system, asked of a real mount by ordinary programs. */
@Timeout(300)
@Tag("volumes")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PosixTest {
  private Mount mount;
  private Path dir;

  @BeforeAll
  void mount() {
    mount = SharedCluster.get().mount(SharedCluster.newFileSystem(Storage.of(getClass())));
  }

  @AfterAll
  void unmount() {
    mount.unmount();
  }

  @BeforeEach
  void directory(TestInfo test) throws IOException {
    dir = Files.createDirectory(mount.path(test.getTestMethod().orElseThrow().getName()));
  }

  private String bash(String script) {
    return Shell.bash(dir, script);
  }

  @Test
  void every_type_of_file_can_be_made() {
    assertThat(
            bash(
                """
                touch f; mkdir d; ln -s f l; mkfifo p; mknod c c 1 3; mknod b b 7 0
                python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("s")' || mknod s p
                stat -c '%n %F %t:%T' f d l p c b
                """))
        .contains(
            "f regular empty file 0:0",
            "d directory 0:0",
            "l symbolic link 0:0",
            "p fifo 0:0",
            "c character special file 1:3",
            "b block special file 7:0");
  }

  @Test
  void hard_links_share_everything_and_count() {
    assertThat(
            bash(
                """
                echo one > a; mkdir d; ln a d/b
                stat -c %h a d/b
                echo two >> d/b; cat a
                chmod 600 d/b; stat -c %a a
                rm a; stat -c %h d/b; cat d/b
                """))
        .isEqualTo("2\n2\none\ntwo\n600\n1\none\ntwo\n");
  }

  @Test
  void a_rename_replaces_its_target_and_moves_directories() {
    assertThat(
            bash(
                """
                mkdir -p x/y z; echo new > x/y/f; echo old > z/f
                mv x/y/f z/f; cat z/f; ls x/y
                mv x/y z/y; ls z; [ ! -e x/y ]; stat -c %h x z
                mkdir empty full; touch full/f
                mv -T z/y empty && echo replaced
                mv -T empty full 2>/dev/null || echo refused
                mv z z/below 2>/dev/null || echo refused
                """))
        .isEqualTo("new\nf\ny\n2\n3\nreplaced\nrefused\nrefused\n");
  }

  @Test
  void an_open_file_outlives_its_name() {
    assertThat(
            bash(
                """
                echo content > f; exec 3<> f; rm f; [ ! -e f ]
                cat <&3; stat -L -c %h /proc/self/fd/3
                echo more >&3; truncate -s 3 /proc/self/fd/3; stat -L -c %s /proc/self/fd/3
                rmdir ../an_open_file_outlives_its_name && echo gone
                """))
        .isEqualTo("content\n0\n3\ngone\n");
  }

  @Test
  void several_users_get_what_their_permissions_say() {
    assertThat(
            bash(
                """
                chmod 777 .
                as() { setpriv --reuid="$1" --regid="$1" --clear-groups bash -c "$2"; }
                as 1001 'umask 022; echo mine > private; chmod 600 private; echo all > public'
                stat -c '%u %g %a' private public
                as 1002 'cat private' 2>/dev/null || echo denied
                as 1002 'cat public'
                as 1002 'echo x >> public' 2>/dev/null || echo denied
                as 1002 'rm -f public' && echo removed
                mkdir -m 1777 sticky; as 1001 'touch sticky/f'
                as 1002 'rm -f sticky/f' 2>/dev/null || echo kept
                mkdir -m 2775 shared; chgrp 1003 shared; touch shared/f; mkdir shared/d
                stat -c '%g %a' shared/f shared/d
                cp /bin/true suid; chmod 4755 suid; chown 1001 suid; stat -c %a suid
                """))
        .isEqualTo(
            """
            1001 1001 600
            1001 1001 644
            denied
            all
            denied
            removed
            kept
            1003 644
            1003 2755
            755
            """);
  }

  @Test
  void times_are_kept_to_the_nanosecond_and_follow_changes() {
    assertThat(
            bash(
                """
                touch -d '2001-02-03 04:05:06.123456789 UTC' f; TZ=UTC stat -c '%y' f
                touch -a -d '1960-01-01 UTC' f; TZ=UTC stat -c '%x %y' f
                before=$(stat -c %.9Z .); touch g; after=$(stat -c %.9Y .)
                [ "$(printf '%s\\n' "$before" "$after" | sort -n | tail -1)" = "$after" ] && echo later
                cp -p f h; TZ=UTC stat -c '%y' h
                """))
        .isEqualTo(
            """
            2001-02-03 04:05:06.123456789 +0000
            1960-01-01 00:00:00.000000000 +0000 2001-02-03 04:05:06.123456789 +0000
            later
            2001-02-03 04:05:06.123456789 +0000
            """);
  }

  @Test
  void names_may_be_of_any_bytes_up_to_255() {
    assertThat(
            bash(
                """
                name=$(printf '\\377\\376 \\001\\n\\303\\251')
                echo odd > "$name"; cat -- *
                long=$(printf 'x%.0s' $(seq 255)); echo long > "$long"; cat "$long"
                touch "${long}x" 2>/dev/null || echo too long
                ls | wc -l; rm -- "$name" "$long"; ls | wc -l
                """))
        .isEqualTo("odd\nlong\ntoo long\n3\n0\n"); // the newline in the name counts
  }

  @Test
  void extended_attributes_are_set_read_listed_and_removed() {
    assertThat(
            bash(
                """
                touch f
                setfattr -n user.a -v one f; setfattr -n user.b -v two f
                getfattr --only-values -n user.a f; echo
                getfattr -d f | grep -c '^user'
                setfattr -x user.a f; (getfattr -n user.a f 2>&1 || true) | grep -o 'No such attribute'
                head -c 60000 /dev/zero | tr '\\0' v > v; setfattr -n user.big -v "$(cat v)" f
                getfattr --only-values -n user.big f | cmp - v && echo big
                """))
        .isEqualTo("one\n2\nNo such attribute\nbig\n");
  }

  @Test
  void a_sparse_file_past_four_gibibytes_reads_zeros_in_its_hole() throws IOException {
    Path file = dir.resolve("sparse");
    long far = 5L << 30;
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.seek(far);
      sparse.write("behind".getBytes(StandardCharsets.US_ASCII));
      sparse.seek(1 << 20);
      sparse.write(7);
    }
    assertThat(Files.size(file)).isEqualTo(far + 6);
    assertThat(
            bash(
                """
                tail -c 6 sparse; echo
                dd if=sparse bs=1M skip=4096 count=4 status=none | tr -d '\\0' | wc -c
                [ "$(stat -c %b sparse)" -lt 100 ] && echo few blocks
                truncate -s 6G sparse; stat -c %s sparse
                """))
        .isEqualTo("behind\n0\nfew blocks\n6442450944\n");
  }

  @Test
  void appends_of_several_processes_of_one_mount_do_not_overwrite_each_other() {
    assertThat(
            bash(
                """
                for i in 1 2 3 4; do (for j in $(seq 50); do echo "$i $j" >> log; done) & done; wait
                wc -l < log; sort -u log | wc -l
                """))
        .isEqualTo("200\n200\n");
  }

  @Test
  void a_mapped_file_is_read_and_written_like_any_other() {
    bash(
        """
        cat > m.c <<'C'
        #include <assert.h>
        #include <fcntl.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <unistd.h>
        int main() {
          int fd = open("mapped", O_RDWR | O_CREAT, 0644);
          assert(fd >= 0 && ftruncate(fd, 100000) == 0);
          char *p = mmap(0, 100000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
          assert(p != MAP_FAILED);
          memset(p, 'm', 100000);
          assert(msync(p, 100000, MS_SYNC) == 0 && munmap(p, 100000) == 0 && close(fd) == 0);
          return 0;
        }
        C
        gcc -o m m.c && ./m
        """);
    mount.dropCaches();
    assertThat(bash("tr -d m < mapped | wc -c; stat -c %s mapped")).isEqualTo("0\n100000\n");
  }

  @Test
  void df_counts_what_is_there() {
    String before = bash("sync; df -B1 --output=used . | tail -1; df --output=iused . | tail -1");
    bash("head -c 5000000 /dev/zero > f; mkdir d");
    String after = bash("df -B1 --output=used . | tail -1; df --output=iused . | tail -1");

    long[] was = before.lines().mapToLong(line -> Long.parseLong(line.strip())).toArray();
    long[] is = after.lines().mapToLong(line -> Long.parseLong(line.strip())).toArray();
    // On volumes what the mount has reserved counts as used; a bucket has no size and shows 1 PiB.
    boolean onVolumes = Long.parseLong(bash("df -B1 --output=size . | tail -1").strip()) < 1L << 50;
    long reservedMax = onVolumes ? 64L << 20 : 0;
    assertThat(is[0] - was[0]).isBetween(5_000_000L - 4096, 5_000_000L + 4096 + reservedMax);
    assertThat(is[1] - was[1]).isEqualTo(2);
  }

  @Test
  void a_directory_of_ten_thousand_is_listed_whole_while_names_go() throws IOException {
    bash("seq 10000 | xargs -P 8 -n 500 touch");
    int count = 0;
    try (DirectoryStream<Path> names = Files.newDirectoryStream(dir)) {
      for (Path name : names) {
        count++;
        if (count % 3 == 0) {
          Files.delete(name);
        }
      }
    }
    assertThat(count).isEqualTo(10_000);
    assertThat(bash("ls -f | wc -l")).isEqualTo(10_000 - 3_333 + 2 + "\n");
    assertThat(bash("rm -r ../" + dir.getFileName() + "/* ; ls | wc -l")).isEqualTo("0\n");
  }

  @Test
  void permissions_of_new_files_follow_the_umask() {
    assertThat(bash("umask 027; touch f; mkdir d; stat -c %a f d")).isEqualTo("640\n750\n");
  }
}

package io.curvefs.client.warmup;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.protobuf.ByteString;
import io.curvefs.client.warmup.WarmupMessages.Answer;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The mount's side of {@link WarmupMessages}. Thread-safe. */
public final class WarmupAttributes {
  private static final int ANSWERS_MAX = 256;

  /** An attribute's 64 KiB, less what the kernel may want. */
  private static final int JOBS_BYTES_MAX = 63 << 10;

  private final WarmupJobs jobs;
  private final boolean readOnly;
  private final Cache<String, Answer> answers =
      Caffeine.newBuilder().maximumSize(ANSWERS_MAX).build();

  /** The request of each list that is being handed over: what comes before its first NUL. */
  private final Cache<String, JobRequest> requests =
      Caffeine.newBuilder().maximumSize(ANSWERS_MAX).build();

  private final Cache<String, ByteString> heads =
      Caffeine.newBuilder().maximumSize(ANSWERS_MAX).build();

  /**
   * @param readOnly nothing can be set: it is said by getting
   */
  public WarmupAttributes(WarmupJobs jobs, boolean readOnly) {
    this.jobs = jobs;
    this.readOnly = readOnly;
  }

  /**
   * The value of an attribute of the root; null: there is none.
   *
   * @param name behind {@link WarmupMessages#PREFIX}
   */
  public @Nullable ByteString get(String name) throws IOException {
    if (name.equals(WarmupMessages.JOBS)) {
      return latestJobs();
    }
    if (name.startsWith(WarmupMessages.JOB)) {
      Optional<JobStatus> job = jobs.status(number(name, WarmupMessages.JOB));
      return job.map(WarmupMessages::json).map(ByteString::copyFrom).orElse(null);
    }
    if (name.startsWith(WarmupMessages.ANSWER)) {
      Answer answer = answers.getIfPresent(name.substring(WarmupMessages.ANSWER.length()));
      return answer == null ? null : ByteString.copyFrom(WarmupMessages.json(answer));
    }
    if (name.startsWith(WarmupMessages.FAILED)) {
      return records(name.substring(WarmupMessages.FAILED.length()), jobs::failed);
    }
    if (name.startsWith(WarmupMessages.SKIPPED)) {
      return records(name.substring(WarmupMessages.SKIPPED.length()), jobs::skipped);
    }
    if (name.startsWith(WarmupMessages.SAY) && readOnly) {
      String[] said = name.split("\\.", 3);
      if (said.length == 3) {
        ByteString value = ByteString.copyFrom(WarmupMessages.saidValue(said[2]));
        return set(said[1], value) ? ByteString.copyFromUtf8("ok") : null;
      }
    }
    return null;
  }

  private static int number(String name, String prefix) throws RefusedException {
    try {
      return Integer.parseInt(name.substring(prefix.length()));
    } catch (NumberFormatException e) {
      throw new RefusedException(Refusal.EINVAL);
    }
  }

  @FunctionalInterface
  private interface RecordSource {
    WarmupJobs.Records read(int job, long offset) throws IOException;
  }

  private static ByteString records(String jobAndOffset, RecordSource source) throws IOException {
    String[] both = jobAndOffset.split("\\.", 2);
    try {
      return WarmupMessages.records(
          source.read(Integer.parseInt(both[0]), Long.parseLong(both[both.length - 1])));
    } catch (NumberFormatException e) {
      throw new RefusedException(Refusal.EINVAL);
    }
  }

  /** As many as an attribute holds, the latest first of all. */
  private ByteString latestJobs() {
    List<JobStatus> all = new ArrayList<>(jobs.list());
    while (true) {
      byte[] json = WarmupMessages.json(all);
      if (json.length <= JOBS_BYTES_MAX || all.isEmpty()) {
        return ByteString.copyFrom(json);
      }
      all.remove(0);
    }
  }

  /**
   * Carries out what setting an attribute of the root stands for; false: there is none.
   *
   * @param name behind {@link WarmupMessages#PREFIX}
   */
  public boolean set(String name, ByteString value) throws IOException {
    switch (name) {
      case WarmupMessages.PART -> part(value);
      case WarmupMessages.ADD -> add(value.toStringUtf8());
      case WarmupMessages.CANCEL -> {
        if (!jobs.cancel(number(value.toStringUtf8(), ""))) {
          throw new RefusedException(Refusal.ENOENT);
        }
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private void part(ByteString value) throws IOException {
    int newline = indexOf(value, '\n');
    if (newline < 0) {
      throw new RefusedException(Refusal.EINVAL);
    }
    String token = value.substring(0, newline).toStringUtf8();
    ByteString bytes = value.substring(newline + 1);
    if (requests.getIfPresent(token) == null) {
      ByteString before = heads.getIfPresent(token);
      ByteString head = before == null ? bytes : before.concat(bytes);
      int nul = indexOf(head, '\0');
      if (nul < 0) {
        if (head.size() > WarmupMessages.PART_BYTES) {
          throw new RefusedException(Refusal.E2BIG);
        }
        heads.put(token, head);
        return;
      }
      heads.invalidate(token);
      byte[] json = head.substring(0, nul).toByteArray();
      requests.put(token, WarmupMessages.parse(json, JobRequest.class));
      bytes = head.substring(nul + 1);
    }
    try {
      jobs.upload(token, bytes);
    } catch (IOException e) {
      answers.put(token, new Answer(0, String.valueOf(e.getMessage())));
      throw new RefusedException(Refusal.ENOSPC, String.valueOf(e.getMessage()));
    }
  }

  private static int indexOf(ByteString bytes, char wanted) {
    for (int i = 0; i < bytes.size(); i++) {
      if (bytes.byteAt(i) == wanted) {
        return i;
      }
    }
    return -1;
  }

  private void add(String token) {
    JobRequest request = requests.getIfPresent(token);
    requests.invalidate(token);
    Answer answer;
    try {
      if (request == null) {
        throw new IOException("nothing was asked for");
      }
      answer = new Answer(jobs.add(request, token, null), "");
    } catch (IOException e) {
      answer = new Answer(0, String.valueOf(e.getMessage()));
    }
    answers.put(token, answer);
  }
}

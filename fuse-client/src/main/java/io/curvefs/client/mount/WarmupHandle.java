package io.curvefs.client.mount;

import io.curvefs.client.mount.MountHandle.AttributeException;
import io.curvefs.client.warmup.JobRequest;
import io.curvefs.client.warmup.JobStatus;
import io.curvefs.client.warmup.WarmupJobs;
import io.curvefs.client.warmup.WarmupMessages;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** The warmups of a mount on this host as commands see them. For one thread. */
public final class WarmupHandle {
  /** EROFS: the kernel lets nothing be set on a read-only mount. */
  private static final int READ_ONLY = 30;

  /** ENODATA and ENOENT. */
  private static final int NO_DATA = 61;

  private static final int NO_ENTRY = 2;

  /** EIO. */
  private static final int FAILED = 5;

  private final MountHandle mount;
  private boolean readOnly;

  public WarmupHandle(MountHandle mount) {
    this.mount = mount;
  }

  public MountHandle mount() {
    return mount;
  }

  /** A request whose paths are being handed over. */
  public final class Request {
    private final String token = UUID.randomUUID().toString().replace("-", "");
    private final ByteArrayOutputStream waiting = new ByteArrayOutputStream();

    private Request(JobRequest request) throws IOException {
      add(WarmupMessages.json(request));
    }

    /**
     * @param path as {@link io.curvefs.client.warmup.PathList} has it, without the NUL
     */
    public void add(byte[] path) throws IOException {
      waiting.write(path);
      waiting.write(0);
      if (waiting.size() >= WarmupMessages.PART_BYTES) {
        flush();
      }
    }

    /** What the mount has said against it, where an errno says nothing. */
    private IOException explained(AttributeException failure) {
      try {
        WarmupMessages.Answer answer = answer();
        return answer.refusal().isEmpty() ? failure : new IOException(answer.refusal(), failure);
      } catch (IOException e) {
        return failure;
      }
    }

    private WarmupMessages.Answer answer() throws IOException {
      return WarmupMessages.parse(
          get(WarmupMessages.PREFIX + WarmupMessages.ANSWER + token), WarmupMessages.Answer.class);
    }

    private void flush() throws IOException {
      byte[] bytes = waiting.toByteArray();
      waiting.reset();
      int at = 0;
      while (at < bytes.length) {
        int most = readOnly ? WarmupMessages.SAID_BYTES : WarmupMessages.PART_BYTES;
        int to = Math.min(bytes.length, at + most - token.length() - 1);
        try {
          if (tell(WarmupMessages.PART, WarmupMessages.part(token, bytes, at, to))) {
            at = to;
          }
        } catch (AttributeException e) {
          throw explained(e);
        }
      }
    }

    /**
     * Begins the job.
     *
     * @return its number
     * @throws IOException one line that says why there is none
     */
    public int begin() throws IOException {
      flush();
      byte[] ascii = token.getBytes(StandardCharsets.US_ASCII);
      while (!tell(WarmupMessages.ADD, ascii)) {}
      WarmupMessages.Answer answer = answer();
      if (answer.job() == 0) {
        throw new IOException(answer.refusal());
      }
      return answer.job();
    }
  }

  public Request request(JobRequest request) throws IOException {
    return new Request(request);
  }

  private byte[] get(String name) throws IOException {
    try {
      return mount.attribute(name);
    } catch (AttributeException e) {
      throw withProblem(e);
    }
  }

  private void set(String name, byte[] value) throws IOException {
    try {
      mount.setAttribute(name, value);
    } catch (AttributeException e) {
      throw withProblem(e);
    }
  }

  /** EIO is what all requests end with while the mount can do no warmups; it says why. */
  private IOException withProblem(AttributeException failure) {
    if (failure.errno != FAILED) {
      return failure;
    }
    try {
      String problem = new String(mount.attribute(MountControl.PROBLEM), StandardCharsets.UTF_8);
      return problem.isEmpty()
          ? failure
          : new IOException("the mount at " + mount.root() + ": " + problem, failure);
    } catch (IOException e) {
      return failure;
    }
  }

  /** False: the mount is read-only, which was not known; say it again. */
  private boolean tell(String verb, byte[] value) throws IOException {
    if (readOnly) {
      get(WarmupMessages.said(verb, value));
      return true;
    }
    try {
      set(WarmupMessages.PREFIX + verb, value);
      return true;
    } catch (AttributeException e) {
      if (e.errno != READ_ONLY) {
        throw e;
      }
      readOnly = true;
      return false;
    }
  }

  /** The jobs that the mount knows of, the oldest first. */
  public List<JobStatus> jobs() throws IOException {
    return WarmupMessages.parseJobs(get(WarmupMessages.PREFIX + WarmupMessages.JOBS));
  }

  public Optional<JobStatus> job(int id) throws IOException {
    try {
      byte[] json = get(WarmupMessages.PREFIX + WarmupMessages.JOB + id);
      return Optional.of(WarmupMessages.parse(json, JobStatus.class));
    } catch (AttributeException e) {
      if (e.errno == NO_DATA) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** False: there is no such job. */
  public boolean cancel(int id) throws IOException {
    byte[] value = Integer.toString(id).getBytes(StandardCharsets.US_ASCII);
    try {
      while (!tell(WarmupMessages.CANCEL, value)) {}
      return true;
    } catch (AttributeException e) {
      if (e.errno == NO_ENTRY) {
        return false;
      }
      throw e;
    }
  }

  /** Files that have failed, some at a time. */
  public WarmupJobs.Records failed(int id, long offset) throws IOException {
    return records(WarmupMessages.FAILED, id, offset);
  }

  /** Files that were skipped, some at a time. */
  public WarmupJobs.Records skipped(int id, long offset) throws IOException {
    return records(WarmupMessages.SKIPPED, id, offset);
  }

  private WarmupJobs.Records records(String what, int id, long offset) throws IOException {
    return WarmupMessages.parseRecords(get(WarmupMessages.PREFIX + what + id + "." + offset));
  }
}

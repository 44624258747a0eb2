package io.curvefs.client.warmup;

import com.google.protobuf.ByteString;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * How commands and mount talk about warmups, through attributes of the mount's root (all names
 * begin with {@link #PREFIX}):
 *
 * <ul>
 *   <li>set {@code part} to a token, a newline and bytes, as often as need be: together these are
 *       the request in JSON, a NUL, and the paths with a NUL behind each ({@link PathList});
 *   <li>set {@code add} to the token, then get {@code answer.TOKEN}: the job, or why there is none;
 *   <li>set {@code cancel} to a job's number;
 *   <li>get {@code jobs}, {@code job.N}; {@code failed.N.OFFSET} and {@code skipped.N.OFFSET};
 *   <li>get {@code problem}: why the mount can do no warmups now, empty when it can.
 * </ul>
 *
 * A read-only mount's kernel refuses to set. There, getting {@code say.VERB.VALUE}, the value in
 * URL-safe base 64, stands for setting VERB.
 */
public final class WarmupMessages {
  public static final String PREFIX = "curvefs.warmup.";
  public static final String PART = "part";
  public static final String ADD = "add";
  public static final String CANCEL = "cancel";
  public static final String ANSWER = "answer.";
  public static final String JOBS = "jobs";
  public static final String JOB = "job.";
  public static final String FAILED = "failed.";
  public static final String SKIPPED = "skipped.";
  public static final String SAY = "say.";

  /** Bytes that one setting of {@link #PART} carries: an attribute holds 64 KiB. */
  public static final int PART_BYTES = 60 << 10;

  /** The same within a name, which holds 255 bytes: base 64, beside the rest. */
  public static final int SAID_BYTES = 150;

  private static final JsonMapper JSON = JsonMapper.shared();

  private WarmupMessages() {}

  /**
   * What came of an {@link #ADD}.
   *
   * @param job 0: none
   * @param refusal why there is none; else empty
   */
  public record Answer(int job, String refusal) {}

  public static byte[] json(Object value) {
    return JSON.writeValueAsBytes(value);
  }

  /**
   * @throws IOException when it was not written by {@link #json}
   */
  public static <T> T parse(byte[] json, Class<T> type) throws IOException {
    try {
      return JSON.readValue(json, type);
    } catch (JacksonException e) {
      throw new IOException("not understood: " + e.getOriginalMessage(), e);
    }
  }

  public static List<JobStatus> parseJobs(byte[] json) throws IOException {
    return List.of(parse(json, JobStatus[].class));
  }

  /** The value of a {@link #PART}. */
  public static byte[] part(String token, byte[] bytes, int from, int to) {
    byte[] head = (token + "\n").getBytes(StandardCharsets.US_ASCII);
    byte[] value = Arrays.copyOf(head, head.length + to - from);
    System.arraycopy(bytes, from, value, head.length, to - from);
    return value;
  }

  /** The name that says to a read-only mount what setting {@code verb} says to others. */
  public static String said(String verb, byte[] value) {
    return PREFIX
        + SAY
        + verb
        + "."
        + Base64.getUrlEncoder().withoutPadding().encodeToString(value);
  }

  /**
   * Whether getting it commands, or tells names of files: reading the mount's root is not enough.
   *
   * @param name behind {@link #PREFIX}
   */
  public static boolean commandsOrNames(String name) {
    return name.startsWith(SAY) || name.startsWith(FAILED) || name.startsWith(SKIPPED);
  }

  static byte[] saidValue(String text) throws IOException {
    try {
      return Base64.getUrlDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      throw new IOException("not understood: " + text, e);
    }
  }

  /** A page of names and reasons, whose bytes may be any. */
  static ByteString records(WarmupJobs.Records records) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeLong(records.next());
    for (int i = 0; i < records.paths().size(); i++) {
      out.writeInt(records.paths().get(i).size());
      records.paths().get(i).writeTo(out);
      byte[] reason = records.reasons().get(i).getBytes(StandardCharsets.UTF_8);
      out.writeInt(reason.length);
      out.write(reason);
    }
    return ByteString.copyFrom(bytes.toByteArray());
  }

  public static WarmupJobs.Records parseRecords(byte[] bytes) throws IOException {
    List<ByteString> paths = new ArrayList<>();
    List<String> reasons = new ArrayList<>();
    try (DataInputStream in = new DataInputStream(new java.io.ByteArrayInputStream(bytes))) {
      long next = in.readLong();
      while (in.available() > 0) {
        paths.add(ByteString.copyFrom(in.readNBytes(in.readInt())));
        reasons.add(new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8));
      }
      return new WarmupJobs.Records(paths, reasons, next);
    }
  }
}

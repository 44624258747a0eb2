package io.curvefs.error;

import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Every reason for which a request is refused. Codes below 1000 are the errno values of Linux
 * (errno(3)) and reach the application as they are; the others are between our own processes.
 */
public enum Refusal {
  EPERM(1, "operation not permitted"),
  ENOENT(2, "no such file or directory"),
  EINTR(4, "interrupted"),
  EIO(5, "input/output error"),
  ENXIO(6, "no such device or address"),
  E2BIG(7, "argument too long"),
  EBADF(9, "bad file descriptor"),
  EAGAIN(11, "resource temporarily unavailable"),
  ENOMEM(12, "out of memory"),
  EACCES(13, "permission denied"),
  EBUSY(16, "device or resource busy"),
  EEXIST(17, "file exists"),
  EXDEV(18, "cross-device link"),
  ENODEV(19, "no such device"),
  ENOTDIR(20, "not a directory"),
  EISDIR(21, "is a directory"),
  EINVAL(22, "invalid argument"),
  EFBIG(27, "file too large"),
  ENOSPC(28, "no space left on device"),
  EROFS(30, "read-only file system"),
  EMLINK(31, "too many links"),
  ERANGE(34, "result too large"),
  ENAMETOOLONG(36, "file name too long"),
  ENOSYS(38, "function not implemented"),
  ENOTEMPTY(39, "directory not empty"),
  ELOOP(40, "too many levels of symbolic links"),
  ENODATA(61, "no data available"),
  EOPNOTSUPP(95, "operation not supported"),
  ESTALE(116, "stale file handle"),

  /** The group's leader is another server, named in the reply where it is known. */
  NOT_LEADER(1000, "not the leader"),
  /** The group, or the partition, is not here: the caller's routing table is old. */
  WRONG_GROUP(1001, "not served here"),
  /** The session's lease has ended; a new session is needed. */
  SESSION_EXPIRED(1002, "session expired"),
  /** Worth another try after a moment. */
  BUSY(1003, "busy"),
  /** No answer within the bound. Whether the request was carried out is unknown. */
  TIMED_OUT(1004, "no answer in time"),
  /** Nobody listens there. The request was not carried out. */
  UNREACHABLE(1005, "unreachable"),
  NO_SUCH_FILE_SYSTEM(1006, "no such file system"),
  NAME_TAKEN(1007, "the name is taken"),
  MOUNTED(1008, "it is mounted"),
  /** Being created or deleted just now. */
  WRONG_STATE(1009, "not in that state"),
  /** The request is not well formed: a defect of the caller. */
  BAD_REQUEST(1010, "malformed request"),
  OTHER_CLUSTER(1011, "belongs to another cluster"),
  /** The file system's bucket cannot be used; the detail says why. */
  BAD_OBJECT_STORE(1012, "object store not usable"),
  /** A defect of the server; its log has the cause. */
  INTERNAL(1013, "internal error"),
  NO_SUCH_CACHE_CLUSTER(1014, "no such memcached cluster"),
  /** Something else refers to it; the detail says what. */
  IN_USE(1015, "in use"),
  /** No space on the volumes now, but freed blocks will come out of quarantine soon. */
  SPACE_RESTS(1016, "freed space is in quarantine"),
  /** A volume cannot be used; the detail says why. */
  BAD_VOLUME(1017, "volume not usable"),
  /** The blocks are not, or no longer, reserved by the session: they must not be written to. */
  NOT_RESERVED(1018, "the blocks are not reserved by this session"),
  /** The file is not the version that the change was made for. */
  CHANGED(1019, "the file was changed meanwhile");

  private static final Map<Integer, Refusal> BY_CODE =
      Stream.of(values()).collect(Collectors.toUnmodifiableMap(Refusal::code, Function.identity()));

  private final int code;
  private final String text;

  Refusal(int code, String text) {
    this.code = code;
    this.text = text;
  }

  /** The number on the wire; below 1000 an errno of Linux. */
  public int code() {
    return code;
  }

  /** In words, for messages. */
  public String text() {
    return text;
  }

  /** Whether an application may see the code as its errno. */
  public boolean isErrno() {
    return code < 1000;
  }

  /** The refusal of a code on the wire; an unknown one of a newer peer is {@link #INTERNAL}. */
  public static Refusal ofCode(int code) {
    return BY_CODE.getOrDefault(code, INTERNAL);
  }
}

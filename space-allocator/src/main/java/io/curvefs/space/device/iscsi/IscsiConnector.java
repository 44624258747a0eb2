package io.curvefs.space.device.iscsi;

import io.curvefs.space.device.BlockDevice;
import io.curvefs.space.device.posix.NativeMemory;
import io.curvefs.space.device.posix.Poller;
import io.curvefs.space.device.remote.ConnectionLostException;
import io.curvefs.space.device.remote.Connector;
import io.curvefs.space.device.remote.Export;
import io.curvefs.space.device.remote.ExportRefusedException;
import io.curvefs.space.device.remote.ServerBusyException;
import io.curvefs.space.device.remote.Wire;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import jnr.ffi.LibraryLoader;

/**
 * Logs in to an iSCSI target, and refuses a logical unit that cannot be a volume. All sessions of a
 * connector have one ISID: a new login ends the one before it at the target, with its commands.
 */
public final class IscsiConnector implements Connector {
  private static final String INITIATOR = "iqn.2026-01.io.curvefs:";

  /** {@code struct scsi_readcapacity16}: last block, bytes of a block, whether it is thin. */
  private static final int CAPACITY_BLOCK_BYTES = 8;

  private static final int CAPACITY_THIN = 16;

  /** {@code struct scsi_inquiry_block_limits}, in blocks; 0 means none. */
  private static final int LIMITS_TRANSFER = 20;

  private static final int LIMITS_UNMAP = 32;
  private static final int LIMITS_PAGE = 0xb0;

  /** {@code struct scsi_mode_sense}: a byte whose highest bit is write protection. */
  private static final int MODE_DEVICE = 3;

  private static final int ALL_PAGES = 0x3f;
  private static final byte ANSWER_BYTES_MAX = 127;

  private static final long TRANSFER_BYTES_MAX = 1 << 20;
  private static final long DISCARD_BYTES_MAX = 1L << 30;

  private final IscsiAddress address;
  private final LibIscsi library;
  private final String initiator;
  private final int sessionRandom = ThreadLocalRandom.current().nextInt(1 << 24);
  private final int sessionQualifier = ThreadLocalRandom.current().nextInt(1 << 16);

  /**
   * Loads libiscsi.
   *
   * @throws IOException when it is not installed
   */
  public IscsiConnector(IscsiAddress address) throws IOException {
    this.address = address;
    this.initiator = INITIATOR + hostName();
    try {
      this.library = LibraryLoader.create(LibIscsi.class).failImmediately().load("libiscsi.so.7");
    } catch (UnsatisfiedLinkError e) {
      throw new IOException(
          address
              + " needs libiscsi, which cannot be loaded ("
              + firstLine(e)
              + "). Install it: apt-get install libiscsi7",
          e);
    }
  }

  /** The others are the places where it was looked for. */
  private static String firstLine(UnsatisfiedLinkError e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("no reason given");
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost()
          .getHostName()
          .toLowerCase(Locale.ROOT)
          .replaceAll("[^a-z0-9.-]", "-");
    } catch (UnknownHostException e) {
      return "host";
    }
  }

  @Override
  public String name() {
    return address.toString();
  }

  @Override
  public String remedy() {
    return "Look whether the target runs, can be reached from here, and admits the initiator "
        + initiator
        + " (with user and password, if it wants them).";
  }

  @Override
  public Wire connect(long deadlineNanos) throws IOException {
    IscsiSession session = new IscsiSession(library, initiator);
    try (Poller poller = new Poller()) {
      Questions questions = new Questions(session, poller, deadlineNanos);
      logIn(session, questions);
      return wire(session, questions);
    } catch (IOException | RuntimeException e) {
      session.close();
      throw e;
    }
  }

  private void logIn(IscsiSession session, Questions questions) throws IOException {
    long context = session.context();
    library.iscsi_set_isid_random(context, sessionRandom, sessionQualifier);
    library.iscsi_set_targetname(context, address.target());
    library.iscsi_set_session_type(context, LibIscsi.SESSION_NORMAL);
    library.iscsi_set_header_digest(context, LibIscsi.HEADER_DIGEST_NONE_CRC32C);
    if (!address.user().isEmpty()) {
      library.iscsi_set_initiator_username_pwd(context, address.user(), address.password());
    }
    questions.ask(
        id ->
            library.iscsi_full_connect_async(
                        context, address.portal(), address.unit(), session.callback(), id)
                    == 0
                ? 1
                : 0);
    // Only now: the login sets it back. The wire is given up instead, which tells of lost writes.
    library.iscsi_set_noautoreconnect(context, 1);
  }

  private Wire wire(IscsiSession session, Questions questions) throws IOException {
    long context = session.context();
    int unit = address.unit();
    long capacity =
        questions.ask(
            id -> library.iscsi_readcapacity16_task(context, unit, session.callback(), id));
    if (capacity == 0) {
      throw new ExportRefusedException(name() + " does not say its size (READ CAPACITY 16).");
    }
    int blockBytes = NativeMemory.getInt(capacity + CAPACITY_BLOCK_BYTES);
    if (blockBytes <= 0 || BlockDevice.BLOCK_BYTES % blockBytes != 0) {
      throw new ExportRefusedException(
          name() + " has blocks of " + blockBytes + " bytes; only divisors of 4096 can be used.");
    }
    long size = (NativeMemory.getLong(capacity) + 1) * blockBytes;
    boolean thin = NativeMemory.getByte(capacity + CAPACITY_THIN) != 0;
    refuseReadOnly(session, questions);
    long limits =
        questions.askGently(
            id ->
                library.iscsi_inquiry_task(
                    context, unit, 1, LIMITS_PAGE, ANSWER_BYTES_MAX, session.callback(), id));
    Export export =
        new Export(
            size - size % BlockDevice.BLOCK_BYTES,
            (int) bytes(limits, LIMITS_TRANSFER, blockBytes, TRANSFER_BYTES_MAX),
            thin ? bytes(limits, LIMITS_UNMAP, blockBytes, DISCARD_BYTES_MAX) : 0,
            false);
    return new IscsiWire(library, session, unit, blockBytes, export);
  }

  private void refuseReadOnly(IscsiSession session, Questions questions) throws IOException {
    long mode =
        questions.askGently(
            id ->
                library.iscsi_modesense6_task(
                    session.context(),
                    address.unit(),
                    1,
                    0,
                    ALL_PAGES,
                    0,
                    ANSWER_BYTES_MAX,
                    session.callback(),
                    id));
    if (mode != 0 && NativeMemory.getByte(mode + MODE_DEVICE) < 0) {
      throw new ExportRefusedException(
          name() + " is write-protected. Make the logical unit writable at its target.");
    }
  }

  /** A limit that the target gave in its blocks, or ours; in whole blocks of ours. */
  private static long bytes(long limits, int place, int blockBytes, long ours) {
    long theirs = limits == 0 ? 0 : Integer.toUnsignedLong(NativeMemory.getInt(limits + place));
    long bytes = theirs == 0 ? ours : Math.min(ours, theirs * blockBytes);
    return Math.max(BlockDevice.BLOCK_BYTES, bytes - bytes % BlockDevice.BLOCK_BYTES);
  }

  /** Asks the target one thing after the other while nobody else uses the session. */
  private static final class Questions {
    /** Sends a question under a number; returns 0 when it could not. */
    interface Question {
      long send(long id);
    }

    private static final int TRIES = 5;

    private final IscsiSession session;
    private final Poller poller;
    private final long deadlineNanos;
    private long nextId = 1;

    Questions(IscsiSession session, Poller poller, long deadlineNanos) {
      this.session = session;
      this.poller = poller;
      this.deadlineNanos = deadlineNanos;
    }

    /** The answer's structure; 0 when there is none. */
    long ask(Question question) throws IOException {
      IOException busy = new IOException("the target is busy");
      for (int i = 0; i < TRIES; i++) {
        try {
          return askOnce(question);
        } catch (ServerBusyException e) {
          busy = e;
        }
      }
      throw busy;
    }

    /** The same, where a target that does not know the question is none the worse. */
    long askGently(Question question) throws IOException {
      try {
        return ask(question);
      } catch (ConnectionLostException e) {
        throw e;
      } catch (IOException e) {
        return 0;
      }
    }

    private long askOnce(Question question) throws IOException {
      long id = nextId++;
      if (question.send(id) == 0) {
        throw new IOException(session.error());
      }
      while (true) {
        IscsiSession.Ended ended = session.next();
        if (ended != null && ended.id() == id) {
          if (ended.failure() != null) {
            throw ended.failure();
          }
          return ended.answer();
        }
        long left = deadlineNanos - System.nanoTime();
        if (left <= 0) {
          throw new IOException("the target does not answer");
        }
        session.service(poller.await(session.descriptor(), session.events(), left));
      }
    }
  }
}

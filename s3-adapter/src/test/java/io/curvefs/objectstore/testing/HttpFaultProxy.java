package io.curvefs.objectstore.testing;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;

/**
 * An HTTP/1.1 proxy on loopback that damages what passes, as told. One request per connection. The
 * counters prove that a fault really happened. Any thread may change what it does at any time.
 */
public final class HttpFaultProxy implements AutoCloseable {

  /**
   * What can go wrong with one request. "The body" is the object: of the request for PUT, else of
   * the response.
   */
  public enum Fault {
    /** Answers 500 instead of forwarding. */
    ERROR_500("500 Internal Server Error", "InternalError"),
    /** Answers 503 instead of forwarding. */
    SLOW_DOWN_503("503 Slow Down", "SlowDown"),
    /** Answers 501 instead of forwarding, as stores do that lack an operation. */
    NOT_IMPLEMENTED_501("501 Not Implemented", "NotImplemented"),
    /** Answers 400 instead of forwarding, as stores do that want Content-MD5. */
    MISSING_MD5_400("400 Bad Request", "InvalidRequest"),
    /** Takes the request's head and says nothing until {@link HttpFaultProxy#close}. */
    HANG,
    /** Lets half of the body pass, then nothing until {@link HttpFaultProxy#close}. */
    HANG_MID_BODY,
    /** Resets the connection when half of the body has passed. */
    RESET_MID_BODY,
    /** Ends the connection in good order after half of the announced response. */
    TRUNCATE_BODY,
    /** Sends half of the response and announces just that. */
    SHORTEN_BODY,
    /** Flips one bit in the middle of the body. */
    FLIP_A_BIT,
    /** Forwards the request and drops the answer. */
    LOSE_REPLY;

    private final String status;
    private final String code;

    Fault() {
      this("", "");
    }

    Fault(String status, String code) {
      this.status = status;
      this.code = code;
    }
  }

  /** For {@link #inject}: until something else is injected. */
  public static final int ALWAYS = Integer.MAX_VALUE;

  private static final byte[] HEAD_END = {'\r', '\n', '\r', '\n'};

  /** So that a client notices soon when its bytes are not taken. */
  private static final int RECEIVE_BUFFER_BYTES = 64 << 10;

  private static final int PIECE_BYTES = 16 << 10;

  private final URI upstream;
  private final ServerSocket listener;
  private final ExecutorService threads;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Map<Fault, Integer> fired = new EnumMap<>(Fault.class);
  private Fault fault;
  private int times;
  private int forwarded;
  private long uplinkBytesPerSecond = Long.MAX_VALUE;
  private long uplinkFreeNanos = System.nanoTime();

  /** Listens on a free loopback port and forwards to an {@code http://host:port}. */
  public HttpFaultProxy(String upstream) throws IOException {
    this.upstream = URI.create(upstream);
    this.listener = new ServerSocket();
    listener.setReceiveBufferSize(RECEIVE_BUFFER_BYTES);
    listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 200);
    this.threads =
        Executors.newCachedThreadPool(
            task -> {
              Thread thread = new Thread(task, "http-fault-proxy");
              thread.setDaemon(true);
              return thread;
            });
    threads.execute(this::accept);
  }

  /** The URL to use instead of the upstream's. */
  public String endpoint() {
    return "http://127.0.0.1:" + listener.getLocalPort();
  }

  /** Hits the next requests with a fault; replaces what was injected before. */
  public synchronized void inject(Fault newFault, int newTimes) {
    fault = newFault;
    times = newTimes;
  }

  /** Makes all requests together share a line to the upstream. */
  public synchronized void limitUplink(long bytesPerSecond) {
    uplinkBytesPerSecond = bytesPerSecond;
  }

  /** Lets everything pass again. */
  public synchronized void heal() {
    times = 0;
  }

  /** How many requests a fault has hit. */
  public synchronized int fired(Fault which) {
    return fired.getOrDefault(which, 0);
  }

  /** How many requests have reached the upstream. */
  public synchronized int forwarded() {
    return forwarded;
  }

  @Override
  public void close() throws IOException {
    closed.countDown();
    listener.close();
    for (Socket socket : open) {
      socket.close();
    }
    threads.shutdownNow();
  }

  private synchronized Fault next() {
    if (times == 0) {
      return null;
    }
    if (times != ALWAYS) {
      times--;
    }
    fired.merge(fault, 1, Integer::sum);
    return fault;
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        threads.execute(() -> serve(client));
      } catch (IOException e) {
        return;
      }
    }
  }

  private void serve(Socket client) {
    open.add(client);
    try (client) {
      exchange(client);
    } catch (IOException e) {
      // The client gave up or the proxy is closing; either is the test's doing.
    } finally {
      open.remove(client);
    }
  }

  private void exchange(Socket client) throws IOException {
    InputStream in = new BufferedInputStream(client.getInputStream());
    Head request = Head.read(in);
    Fault hit = next();
    if (hit == Fault.HANG) {
      awaitClose();
    } else if (hit != null && !hit.status.isEmpty()) {
      refuse(client, request, in, hit);
    } else {
      if (request.expectsContinue()) {
        send(client, "HTTP/1.1 100 Continue\r\n\r\n");
      }
      boolean upload = request.length() > 0;
      if (upload && (hit == Fault.RESET_MID_BODY || hit == Fault.HANG_MID_BODY)) {
        in.readNBytes(request.length() / 2);
        if (hit == Fault.HANG_MID_BODY) {
          awaitClose();
        }
        reset(client);
        return;
      }
      byte[] body = takeBody(in, request.length());
      if (upload && hit == Fault.FLIP_A_BIT) {
        body[body.length / 2] ^= 1;
      }
      byte[] response = forward(request, body);
      reply(client, response, upload && hit == Fault.FLIP_A_BIT ? null : hit);
    }
  }

  private byte[] takeBody(InputStream in, int length) throws IOException {
    byte[] body = new byte[length];
    for (int at = 0; at < length; ) {
      int read = in.readNBytes(body, at, Math.min(PIECE_BYTES, length - at));
      if (read == 0) {
        throw new EOFException("no whole body");
      }
      at += read;
      LockSupport.parkNanos(arrivalNanos(read) - System.nanoTime());
    }
    return body;
  }

  /** When the next bytes have passed the line, behind those of all others. */
  private synchronized long arrivalNanos(int bytes) {
    long passing = (long) (bytes * 1e9 / uplinkBytesPerSecond);
    uplinkFreeNanos = Math.max(uplinkFreeNanos, System.nanoTime()) + passing;
    return uplinkFreeNanos;
  }

  private void reply(Socket client, byte[] response, Fault hit) throws IOException {
    OutputStream out = client.getOutputStream();
    int start = bodyStart(response);
    int middle = start + (response.length - start) / 2;
    if (hit == null) {
      out.write(response);
      return;
    }
    switch (hit) {
      case FLIP_A_BIT -> {
        response[middle] ^= 1;
        out.write(response);
      }
      case TRUNCATE_BODY -> out.write(response, 0, middle);
      case HANG_MID_BODY -> {
        out.write(response, 0, middle);
        awaitClose();
      }
      case RESET_MID_BODY -> {
        out.write(response, 0, middle);
        reset(client);
      }
      case SHORTEN_BODY -> {
        String head = new String(response, 0, start, StandardCharsets.ISO_8859_1);
        send(
            client,
            head.replaceAll("(?i)content-length: *\\d+", "Content-Length: " + (middle - start)));
        out.write(response, start, middle - start);
      }
      case LOSE_REPLY -> reset(client);
      case HANG, ERROR_500, SLOW_DOWN_503 ->
          throw new IllegalStateException(hit + " has its own answer");
    }
  }

  private byte[] forward(Head request, byte[] body) throws IOException {
    synchronized (this) {
      forwarded++;
    }
    try (Socket server = new Socket(upstream.getHost(), upstream.getPort())) {
      open.add(server);
      try {
        send(server, request.forUpstream());
        server.getOutputStream().write(body);
        return server.getInputStream().readAllBytes();
      } finally {
        open.remove(server);
      }
    }
  }

  /**
   * As real services do: at once if the client waits for leave to send its body, else after the
   * body.
   */
  private static void refuse(Socket client, Head request, InputStream in, Fault fault)
      throws IOException {
    if (!request.expectsContinue()) {
      in.readNBytes(request.length());
    }
    String xml =
        "<?xml version=\"1.0\"?><Error><Code>"
            + fault.code
            + "</Code><Message>injected</Message></Error>";
    String head =
        "HTTP/1.1 %s\r\nContent-Type: application/xml\r\nContent-Length: %d\r\nConnection: close\r\n\r\n";
    send(client, head.formatted(fault.status, xml.length()) + xml);
  }

  private void awaitClose() {
    try {
      closed.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Closes with RST instead of FIN. */
  private static void reset(Socket socket) throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  private static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static int bodyStart(byte[] message) {
    for (int i = 0; i + HEAD_END.length <= message.length; i++) {
      if (Arrays.equals(message, i, i + HEAD_END.length, HEAD_END, 0, HEAD_END.length)) {
        return i + HEAD_END.length;
      }
    }
    throw new IllegalStateException("the upstream answered no HTTP");
  }

  /** Request line and headers, as they came. */
  private record Head(String text) {

    static Head read(InputStream in) throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      int matched = 0;
      while (matched < HEAD_END.length) {
        int next = in.read();
        if (next < 0) {
          throw new EOFException("no request");
        }
        bytes.write(next);
        matched = next == HEAD_END[matched] ? matched + 1 : next == '\r' ? 1 : 0;
      }
      return new Head(bytes.toString(StandardCharsets.ISO_8859_1));
    }

    int length() {
      return text.lines()
          .filter(line -> line.toLowerCase(Locale.ROOT).startsWith("content-length:"))
          .mapToInt(line -> Integer.parseInt(line.substring(line.indexOf(':') + 1).trim()))
          .findFirst()
          .orElse(0);
    }

    boolean expectsContinue() {
      return text.toLowerCase(Locale.ROOT).contains("\r\nexpect: 100-continue");
    }

    /** The same request, sent without waiting and without keeping the connection. */
    String forUpstream() {
      StringBuilder head = new StringBuilder();
      text.lines()
          .filter(line -> !line.isEmpty())
          .filter(line -> !line.toLowerCase(Locale.ROOT).matches("(expect|connection):.*"))
          .forEach(line -> head.append(line).append("\r\n"));
      return head.append("Connection: close\r\n\r\n").toString();
    }
  }
}

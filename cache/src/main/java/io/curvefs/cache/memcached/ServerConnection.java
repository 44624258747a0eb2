package io.curvefs.cache.memcached;

import com.google.code.yanf4j.config.Configuration;
import com.google.code.yanf4j.core.Session;
import com.google.code.yanf4j.core.SocketOption;
import com.google.code.yanf4j.core.impl.StandardSocketOption;
import io.curvefs.cache.BlockId;
import io.curvefs.cache.page.PagedBytes;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import net.rubyeye.xmemcached.MemcachedClient;
import net.rubyeye.xmemcached.MemcachedClientStateListener;
import net.rubyeye.xmemcached.XMemcachedClient;
import net.rubyeye.xmemcached.XMemcachedClientBuilder;
import net.rubyeye.xmemcached.buffer.SimpleBufferAllocator;
import net.rubyeye.xmemcached.command.Command;
import net.rubyeye.xmemcached.command.TextCommandFactory;
import net.rubyeye.xmemcached.exception.MemcachedException;
import net.rubyeye.xmemcached.impl.ArrayMemcachedSessionLocator;
import net.rubyeye.xmemcached.impl.IndexMemcachedSessionComparator;
import net.rubyeye.xmemcached.networking.MemcachedSession;
import net.rubyeye.xmemcached.transcoders.SerializingTranscoder;

/**
 * The connections to one server, through which requests go out without waiting for the answers to
 * earlier ones. Thread-safe. It never connects again: {@link ServerNode} opens another one.
 *
 * <p>All methods wait as long as {@link Patience} says and throw {@link ServerLostException} when
 * there was no answer.
 */
final class ServerConnection extends XMemcachedClient {
  private static final int SOCKET_BUFFER_BYTES = 1 << 20;
  private static final int READ_BUFFER_BYTES = 256 << 10;

  /** Requests that go out before the first of their answers is waited for. */
  private static final int BATCH_MAX = 512;

  private final MemcachedServer server;
  private final Patience patience;

  /** Latches of those who wait for answers now. */
  private final Set<CountDownLatch> waiting = ConcurrentHashMap.newKeySet();

  private final LongAdder exchanges = new LongAdder();

  private volatile long lastByte;
  private volatile boolean lost;

  @SuppressWarnings("deprecation") // the constructor takes no other allocator
  private ServerConnection(
      MemcachedServer server,
      InetSocketAddress address,
      MemcachedOptions options,
      Consumer<ServerConnection> onLost)
      throws IOException {
    super(
        new ArrayMemcachedSessionLocator(),
        new IndexMemcachedSessionComparator(),
        new SimpleBufferAllocator(),
        configuration(),
        socketOptions(),
        new TextCommandFactory(),
        new SerializingTranscoder(),
        addresses(address),
        List.of(),
        Map.of(),
        options.connections(),
        options.connectMax().toMillis(),
        server.toString(),
        false,
        true);
    this.server = server;
    this.lastByte = System.nanoTime();
    this.patience = new Patience(options.silenceMax(), options.requestMax());
    setEnableHealSession(false); // a server that failed is tried by ServerNode
    setEnableHeartBeat(false);
    setOptimizeGet(false); // merging costs more than it saves with parts of this size
    setOptimizeMergeBuffer(false);
    addStateListener(
        new Listener() {
          @Override
          public void onDisconnected(MemcachedClient client, InetSocketAddress from) {
            lose();
            onLost.accept(ServerConnection.this);
          }
        });
  }

  /** Of what xmemcached tells, only the loss of a connection matters. */
  private interface Listener extends MemcachedClientStateListener {
    @Override
    default void onStarted(MemcachedClient client) {}

    @Override
    default void onShutDown(MemcachedClient client) {}

    @Override
    default void onConnected(MemcachedClient client, InetSocketAddress to) {}

    @Override
    default void onException(MemcachedClient client, Throwable thrown) {}
  }

  /**
   * @param onLost told when the connection has ended, by whomever, at any time
   * @throws IOException if no connection came about in time
   */
  static ServerConnection open(
      MemcachedServer server,
      InetSocketAddress address,
      MemcachedOptions options,
      Consumer<ServerConnection> onLost)
      throws IOException {
    ServerConnection connection = new ServerConnection(server, address, options, onLost);
    if (connection.getAvailableServers().isEmpty()) {
      connection.close();
      throw new ServerLostException(server, "no connection");
    }
    return connection;
  }

  private static Configuration configuration() {
    Configuration configuration = XMemcachedClientBuilder.getDefaultConfiguration();
    configuration.setSessionReadBufferSize(READ_BUFFER_BYTES);
    configuration.setSelectorPoolSize(1);
    return configuration;
  }

  @SuppressWarnings("rawtypes") // of xmemcached
  private static Map<SocketOption, Object> socketOptions() {
    Map<SocketOption, Object> options = new HashMap<>();
    options.put(StandardSocketOption.TCP_NODELAY, true);
    options.put(StandardSocketOption.SO_KEEPALIVE, true);
    options.put(StandardSocketOption.SO_RCVBUF, SOCKET_BUFFER_BYTES);
    options.put(StandardSocketOption.SO_SNDBUF, SOCKET_BUFFER_BYTES);
    return options;
  }

  private static Map<InetSocketAddress, InetSocketAddress> addresses(InetSocketAddress address) {
    Map<InetSocketAddress, InetSocketAddress> addresses = new HashMap<>();
    addresses.put(address, null); // no standby
    return addresses;
  }

  /** Asks for all the parts in one request; each then tells what came of it. */
  void get(List<IncomingPart> parts) throws IOException {
    GetPartsCommand command = new GetPartsCommand(parts, this::heard);
    try {
      exchange(List.of(command), command.getLatch());
    } finally {
      command.abandon(); // the caller may give the pages back now
    }
  }

  /**
   * Stores all parts of a block, each request sent before the answers to those before it.
   *
   * @throws IOException if the server refuses one, with what it said
   */
  void store(UUID namespace, BlockId id, PagedBytes content) throws IOException {
    int count = PartLayout.count(id);
    CountDownLatch answered = new CountDownLatch(count);
    List<LineCommand> commands = new ArrayList<>();
    List<ByteBuffer> pages = content.buffers();
    for (int part = 0; part < count; part++) {
      List<ByteBuffer> piece = PartLayout.pagesOf(pages, part);
      commands.add(LineCommand.set(namespace, id, part, piece, answered, this::heard));
    }
    for (String answer : ask(commands, answered)) {
      if (!answer.equals("STORED")) {
        throw new IOException(
            "memcached server %s refused block %s: %s".formatted(server, id, answer));
      }
    }
  }

  /** Whether the server has each of the values. Uses them, so that they are evicted later. */
  List<Boolean> touch(List<String> keys) throws IOException {
    return askEach(keys, LineCommand::touch, "TOUCHED");
  }

  /** Whether the server had each of the values, which it has no more. */
  List<Boolean> delete(List<String> keys) throws IOException {
    return askEach(keys, LineCommand::delete, "DELETED");
  }

  private interface Request {
    LineCommand of(String key, CountDownLatch answered, Runnable onBytes);
  }

  private List<Boolean> askEach(List<String> keys, Request request, String yes) throws IOException {
    List<Boolean> answers = new ArrayList<>();
    for (int from = 0; from < keys.size(); from += BATCH_MAX) {
      List<String> batch = keys.subList(from, Math.min(keys.size(), from + BATCH_MAX));
      CountDownLatch answered = new CountDownLatch(batch.size());
      List<LineCommand> commands = new ArrayList<>();
      for (String key : batch) {
        commands.add(request.of(key, answered, this::heard));
      }
      for (String answer : ask(commands, answered)) {
        if (!answer.equals(yes) && !answer.equals("NOT_FOUND")) {
          throw new IOException("memcached server " + server + " said: " + answer);
        }
        answers.add(answer.equals(yes));
      }
    }
    return answers;
  }

  private List<String> ask(List<LineCommand> commands, CountDownLatch answered) throws IOException {
    exchange(commands, answered);
    List<String> answers = new ArrayList<>();
    for (LineCommand command : commands) {
      answers.add(command.answer());
    }
    return answers;
  }

  /** Sends all the commands and waits until all are answered. */
  private void exchange(List<? extends Command> commands, CountDownLatch answered)
      throws IOException {
    waiting.add(answered);
    exchanges.increment();
    try {
      for (Command command : commands) {
        sendCommand(command);
      }
      // Of a connection that was lost before our latch was there nobody would tell us.
      if (!lost) {
        await(answered);
      }
    } catch (MemcachedException e) {
      throw new ServerLostException(server, e);
    } catch (InterruptedException e) {
      throw interrupted();
    } finally {
      waiting.remove(answered);
    }
    if (lost) {
      throw new ServerLostException(server, "connection lost");
    }
    for (Command command : commands) {
      Exception why = command.getException();
      if (why != null) {
        throw new ServerLostException(server, why);
      }
    }
  }

  private void await(CountDownLatch answered) throws ServerLostException, InterruptedException {
    long asked = System.nanoTime();
    long left = patience.nanosLeft(asked, lastByte, asked);
    while (!answered.await(left, TimeUnit.NANOSECONDS)) {
      left = patience.nanosLeft(asked, lastByte, System.nanoTime());
      if (left <= 0) {
        throw new ServerLostException(server, "does not answer in time");
      }
    }
  }

  /** How often answers were waited for, be it to many requests at once. */
  long exchanges() {
    return exchanges.sum();
  }

  private void heard() {
    lastByte = System.nanoTime();
  }

  /** Lets all who wait for an answer fail now. */
  void lose() {
    lost = true;
    for (CountDownLatch answered : waiting) {
      while (answered.getCount() > 0) {
        answered.countDown();
      }
    }
  }

  private InterruptedIOException interrupted() {
    Thread.currentThread().interrupt();
    return new InterruptedIOException("interrupted while waiting for memcached server " + server);
  }

  /**
   * One of the server's own counters.
   *
   * @throws ServerLostException also if it has no such counter
   */
  long counter(String name) throws IOException {
    try {
      for (Map<String, String> counters : getStats(patience.silenceMax().toMillis()).values()) {
        return Long.parseLong(counters.getOrDefault(name, ""));
      }
      throw new ServerLostException(server, "no connection");
    } catch (TimeoutException | MemcachedException | NumberFormatException e) {
      throw new ServerLostException(server, e);
    } catch (InterruptedException e) {
      throw interrupted();
    }
  }

  /** Ends what is under way, as failed. May take seconds when the server hangs. */
  void close() {
    for (Session session : connector.getSessionSet()) {
      ((MemcachedSession) session).setAllowReconnect(false);
      session.close();
    }
    try {
      shutdown();
    } catch (IOException e) {
      // Nothing is left to be closed.
    }
  }
}

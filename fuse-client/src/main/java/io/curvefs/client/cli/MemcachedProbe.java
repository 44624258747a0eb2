package io.curvefs.client.cli;

import io.curvefs.rpc.HostPort;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Asks memcached servers who they are and how full, in memcached's text protocol (its {@code
 * doc/protocol.txt}: version, stats), once for a command.
 */
final class MemcachedProbe {
  private static final Duration CONNECT_MAX = Duration.ofSeconds(2);

  /** Of all answers of one server. */
  private static final Duration ANSWERS_MAX = Duration.ofSeconds(2);

  private static final int LINE_BYTES_MAX = 1024;
  private static final int LINES_MAX = 1000;
  private static final int SERVERS_AT_ONCE = 32;

  private MemcachedProbe() {}

  /**
   * What a server said.
   *
   * @param server who was asked
   * @param version of memcached
   * @param bytesUsed by items
   * @param bytesMax for items: its {@code -m}
   * @param itemBytesMax of one item: its {@code -I}
   * @param problem why it did not answer, then nothing else is known; null: it did
   */
  record State(
      HostPort server,
      String version,
      long bytesUsed,
      long bytesMax,
      long itemBytesMax,
      @Nullable String problem) {
    boolean answers() {
      return problem == null;
    }
  }

  /** Asks all of them at the same time; the states are in the order of the servers. */
  static List<State> askAll(List<HostPort> servers) throws IOException {
    if (servers.isEmpty()) {
      return List.of();
    }
    ExecutorService threads =
        Executors.newFixedThreadPool(Math.min(SERVERS_AT_ONCE, servers.size()));
    try {
      List<Future<State>> asked = new ArrayList<>();
      for (HostPort server : servers) {
        asked.add(threads.submit(() -> ask(server)));
      }
      List<State> states = new ArrayList<>();
      for (Future<State> answer : asked) {
        states.add(answer.get());
      }
      return states;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      threads.shutdownNow();
    }
  }

  private static State ask(HostPort server) {
    InetSocketAddress address = server.resolve();
    if (address.isUnresolved()) {
      return silent(server, "unknown host name");
    }
    try (Socket socket = new Socket()) {
      socket.connect(address, (int) CONNECT_MAX.toMillis());
      socket.setSoTimeout((int) ANSWERS_MAX.toMillis());
      Conversation with = new Conversation(socket);
      String version = with.ask("version");
      if (!version.startsWith("VERSION ")) {
        return silent(server, "it is no memcached: it answered '" + version + "'");
      }
      Map<String, String> stats = with.stats("stats");
      Map<String, String> settings = with.stats("stats settings");
      return new State(
          server,
          version.substring("VERSION ".length()),
          number(stats, "bytes"),
          number(stats, "limit_maxbytes"),
          number(settings, "item_size_max"),
          null);
    } catch (SocketTimeoutException e) {
      return silent(server, "no answer within " + ANSWERS_MAX.toSeconds() + " s");
    } catch (EOFException e) {
      return silent(server, "it is no memcached: it hung up when asked for its version");
    } catch (IOException | NumberFormatException e) {
      return silent(server, String.valueOf(e.getMessage()));
    }
  }

  private static State silent(HostPort server, String problem) {
    return new State(server, "", 0, 0, 0, problem);
  }

  private static long number(Map<String, String> stats, String name) throws IOException {
    String value = stats.get(name);
    if (value == null) {
      throw new IOException("it says nothing of '" + name + "'");
    }
    return Long.parseLong(value);
  }

  /** Questions and answers over one connection, each line and all of them together bounded. */
  private static final class Conversation {
    private final Socket socket;
    private final InputStream in;
    private final long end = System.nanoTime() + ANSWERS_MAX.toNanos();

    Conversation(Socket socket) throws IOException {
      this.socket = socket;
      this.in = new BufferedInputStream(socket.getInputStream());
    }

    String ask(String command) throws IOException {
      socket.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.US_ASCII));
      return line();
    }

    Map<String, String> stats(String command) throws IOException {
      Map<String, String> values = new HashMap<>();
      String line = ask(command);
      while (line.startsWith("STAT ") && values.size() < LINES_MAX) {
        String[] words = line.split(" ", 3);
        if (words.length == 3) {
          values.put(words[1], words[2]);
        }
        line = line();
      }
      if (!line.equals("END")) {
        throw new IOException("it answered '" + line + "' to '" + command + "'");
      }
      return values;
    }

    private String line() throws IOException {
      StringBuilder line = new StringBuilder();
      for (int next = in.read(); next != '\n'; next = in.read()) {
        if (next < 0) {
          throw new EOFException();
        }
        if (line.length() == LINE_BYTES_MAX) {
          throw new IOException("it is no memcached: its lines do not end");
        }
        if (System.nanoTime() - end > 0) {
          throw new SocketTimeoutException();
        }
        if (next >= ' ' && next < 0x7f) {
          line.append((char) next);
        }
      }
      return line.toString();
    }
  }
}

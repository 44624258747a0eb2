package io.curvefs.cache.memcached;

import static org.assertj.core.api.Assertions.assertThat;

import io.curvefs.cache.Threads;
import io.curvefs.rpc.testing.FreePorts;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A real memcached on a free port of this machine, and a plain connection to it. */
public final class MemcachedProcess implements AutoCloseable {
  private static final String HOST = "127.0.0.1";
  private static final int TIMEOUT_MILLIS = 20_000;

  private final List<String> command;
  private final int port;
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private volatile Process process;

  private MemcachedProcess(List<String> options) throws IOException {
    port = FreePorts.one();
    command = new ArrayList<>(List.of(executable(), "-l", HOST, "-p", Integer.toString(port)));
    command.addAll(List.of("-U", "0", "-u", System.getProperty("user.name")));
    command.addAll(options);
    restart();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> process.destroyForcibly()));
  }

  /** With 64 MiB and memcached's defaults, unless the options say otherwise. */
  public static MemcachedProcess start(String... options) throws IOException {
    return new MemcachedProcess(Arrays.asList(options));
  }

  private static String executable() {
    for (String directory : System.getenv("PATH").split(File.pathSeparator)) {
      Path candidate = Path.of(directory, "memcached");
      if (Files.isExecutable(candidate)) {
        return candidate.toString();
      }
    }
    throw new AssertionError(
        "these tests need a real memcached and there is none: run bin/install-packages test");
  }

  public MemcachedServer server() {
    return new MemcachedServer(HOST, port);
  }

  /** Starts it again, empty, after {@link #kill}. */
  public void restart() throws IOException {
    process = new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    Process started = process;
    Thread log = new Thread(() -> collect(started), "memcached-log");
    log.setDaemon(true);
    log.start();
    Threads.until(this::answers);
  }

  private void collect(Process started) {
    try (BufferedReader lines = started.errorReader(StandardCharsets.ISO_8859_1)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        int blank = line.indexOf(' ');
        if (line.startsWith("<") && blank > 0) {
          requests.add(line.substring(blank + 1));
        }
      }
    } catch (IOException e) {
      // The process has ended.
    }
  }

  private boolean answers() {
    assertThat(process.isAlive()).as("%s has ended", command).isTrue();
    try {
      return ask("version\r\n").startsWith("VERSION");
    } catch (IOException e) {
      return false;
    }
  }

  /** Requests seen so far that begin with {@code verb}; only if started with {@code -vv}. */
  public List<String> requests(String verb) throws IOException {
    String last = "delete last-request-" + System.nanoTime();
    ask(last + "\r\n");
    Threads.until(() -> requests.remove(last)); // what was answered before is logged before
    return requests.stream().filter(line -> line.startsWith(verb + " ")).toList();
  }

  public void forgetRequests() {
    requests.clear();
  }

  public void kill() throws IOException {
    process.destroyForcibly();
    try {
      assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  /** Makes it hang: connections are accepted by the kernel, nobody answers. */
  public void stop() throws Exception {
    signal("STOP");
    long start = System.nanoTime();
    while (!isStopped()) { // a thread that runs on another processor may still answer
      if (System.nanoTime() - start > TIMEOUT_MILLIS * 1_000_000L) {
        throw new AssertionError("memcached does not stop");
      }
      Thread.onSpinWait();
    }
  }

  /** Whether each of its threads is stopped: proc(5). */
  private boolean isStopped() throws IOException {
    try (DirectoryStream<Path> threads =
        Files.newDirectoryStream(Path.of("/proc/" + process.pid() + "/task"))) {
      for (Path thread : threads) {
        if (!Files.readString(thread.resolve("status")).contains("\nState:\tT")) {
          return false;
        }
      }
      return true;
    }
  }

  public void goOn() throws Exception {
    signal("CONT");
  }

  private void signal(String name) throws Exception {
    Process kill =
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).inheritIO().start();
    assertThat(kill.waitFor()).isZero();
  }

  @Override
  public void close() throws IOException {
    kill();
  }

  // ---- the plain connection ----

  /** The value's bytes, or null. */
  public byte @Nullable [] get(String key) throws IOException {
    try (Socket socket = connect()) {
      write(socket, ("get " + key + "\r\n").getBytes(StandardCharsets.US_ASCII));
      InputStream in = socket.getInputStream();
      String line = line(in);
      if (line.equals("END")) {
        return null;
      }
      return in.readNBytes(Integer.parseInt(line.substring(line.lastIndexOf(' ') + 1)));
    }
  }

  public void set(String key, byte[] value) throws IOException {
    ByteArrayOutputStream request = new ByteArrayOutputStream();
    request.writeBytes(
        ("set " + key + " 0 0 " + value.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
    request.writeBytes(value);
    request.writeBytes(new byte[] {'\r', '\n'});
    try (Socket socket = connect()) {
      write(socket, request.toByteArray());
      assertThat(line(socket.getInputStream())).isEqualTo("STORED");
    }
  }

  public void delete(String key) throws IOException {
    assertThat(ask("delete " + key + "\r\n")).isEqualTo("DELETED");
  }

  public void flush() throws IOException {
    assertThat(ask("flush_all\r\n")).isEqualTo("OK");
  }

  public Map<String, Long> counters() throws IOException {
    Map<String, Long> counters = new TreeMap<>();
    try (Socket socket = connect()) {
      write(socket, "stats\r\n".getBytes(StandardCharsets.US_ASCII));
      InputStream in = socket.getInputStream();
      for (String line = line(in); !line.equals("END"); line = line(in)) {
        String[] words = line.split(" ");
        if (words.length == 3 && words[2].matches("[0-9]+")) {
          counters.put(words[1], Long.parseLong(words[2]));
        }
      }
    }
    return counters;
  }

  private String ask(String request) throws IOException {
    try (Socket socket = connect()) {
      write(socket, request.getBytes(StandardCharsets.US_ASCII));
      return line(socket.getInputStream());
    }
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket();
    socket.connect(new InetSocketAddress(HOST, port), TIMEOUT_MILLIS);
    socket.setSoTimeout(TIMEOUT_MILLIS);
    return socket;
  }

  private static void write(Socket socket, byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        throw new IOException("connection closed");
      }
      line.append((char) next);
    }
    line.setLength(line.length() - 1);
    return line.toString();
  }
}

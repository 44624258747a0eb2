package io.curvefs.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.curvefs.rpc.HostPort;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Serves the meters of a process at {@code http://HOST:PORT/metrics}, in Prometheus' text format
 * 0.0.4. The answers are made by one thread; a client that is slow is given up after a while.
 */
public final class MetricsEndpoint implements AutoCloseable {
  private static final String PATH = "/metrics";
  private static final String TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8";
  private static final int CONNECTIONS_WAITING_MAX = 16;
  private static final String SECONDS_MAX = "5";

  static {
    // Without these a client that sends or takes nothing would hold the one thread for ever.
    System.setProperty("sun.net.httpserver.maxReqTime", SECONDS_MAX);
    System.setProperty("sun.net.httpserver.maxRspTime", SECONDS_MAX);
  }

  private final HttpServer server;
  private final HostPort address;
  private final ExecutorService thread;

  private MetricsEndpoint(HttpServer server, HostPort address, ExecutorService thread) {
    this.server = server;
    this.address = address;
    this.thread = thread;
  }

  /**
   * Begins to serve.
   *
   * @param listen port 0: any free one, which {@link #address} tells
   * @param option that the address was given with, for the message
   * @throws IOException one line that names the option and the remedy
   */
  public static MetricsEndpoint start(
      HostPort listen, PrometheusMeterRegistry registry, String option) throws IOException {
    InetSocketAddress local = listen.resolve();
    if (local.isUnresolved()) {
      throw new IOException(option + "=" + listen + ": no host of that name is known");
    }
    HttpServer server;
    try {
      server = HttpServer.create(local, CONNECTIONS_WAITING_MAX);
    } catch (IOException e) {
      throw new IOException(
          option
              + "="
              + listen
              + ": cannot listen there ("
              + e.getMessage()
              + "): choose another port, or 0 for any free one",
          e);
    }
    ExecutorService thread =
        Executors.newSingleThreadExecutor(new DefaultThreadFactory("metrics", true));
    server.setExecutor(thread);
    server.createContext("/", exchange -> answer(exchange, registry));
    server.start();
    int port = server.getAddress().getPort();
    Gauge.builder("curvefs.metrics.port", () -> port).register(registry);
    return new MetricsEndpoint(server, new HostPort(listen.host(), port), thread);
  }

  private static void answer(HttpExchange exchange, PrometheusMeterRegistry registry)
      throws IOException {
    try (exchange) {
      if (!exchange.getRequestURI().getPath().equals(PATH)) {
        reply(exchange, 404, "text/plain", "the metrics are at " + PATH + "\n");
      } else if (!exchange.getRequestMethod().equals("GET")) {
        reply(exchange, 405, "text/plain", "metrics can only be read: GET " + PATH + "\n");
      } else {
        reply(exchange, 200, TEXT_FORMAT, registry.scrape());
      }
    }
  }

  private static void reply(HttpExchange exchange, int status, String type, String text)
      throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  /** Where it listens. */
  public HostPort address() {
    return address;
  }

  /** For people and for Prometheus. */
  public String url() {
    return "http://" + address + PATH;
  }

  @Override
  public void close() {
    server.stop(0);
    thread.shutdownNow();
  }
}

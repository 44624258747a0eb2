package io.curvefs.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.curvefs.rpc.HostPort;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class MetricsEndpointTest {
  private static final HostPort ANY = new HostPort("127.0.0.1", 0);

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private MetricsEndpoint endpoint;

  @BeforeEach
  void start() throws IOException {
    endpoint = MetricsEndpoint.start(ANY, registry, "--metrics");
  }

  @AfterEach
  void stop() {
    endpoint.close();
  }

  private HttpResponse<String> ask(String method, String path) throws Exception {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create("http://" + endpoint.address() + path))
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build(),
            HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void counters_gauges_and_timers_are_served_as_what_they_are() throws Exception {
    registry.counter("curvefs.things", "kind", "red").increment(3);
    registry.gauge("curvefs.level", 7);
    registry.timer("curvefs.work").record(1500, TimeUnit.MILLISECONDS);

    HttpResponse<String> answer = ask("GET", "/metrics");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("Content-Type"))
        .hasValueSatisfying(type -> assertThat(type).startsWith("text/plain; version=0.0.4"));
    assertThat(answer.body())
        .contains(
            "# TYPE curvefs_things_total counter",
            "curvefs_things_total{kind=\"red\"} 3.0",
            "# TYPE curvefs_level gauge",
            "curvefs_work_seconds_count 1",
            "curvefs_work_seconds_sum 1.5");
  }

  @Test
  void the_port_that_the_system_chose_is_told() {
    assertThat(endpoint.address().port()).isPositive();
    assertThat(MeterValues.of(registry))
        .containsEntry("curvefs.metrics.port", (double) endpoint.address().port());
    assertThat(endpoint.url()).isEqualTo("http://" + endpoint.address() + "/metrics");
  }

  @Test
  void a_client_that_sends_half_a_request_does_not_keep_the_others_waiting_for_ever()
      throws Exception {
    try (Socket half = new Socket(ANY.host(), endpoint.address().port())) {
      half.getOutputStream().write("GET /met".getBytes(StandardCharsets.US_ASCII));
      half.getOutputStream().flush();
      assertThat(ask("GET", "/metrics").statusCode()).isEqualTo(200);
      assertThat(half.getInputStream().read()).as("end of its connection").isEqualTo(-1);
    }
  }

  @Test
  void only_the_metrics_are_there_and_only_to_be_read() throws Exception {
    assertThat(ask("GET", "/").statusCode()).isEqualTo(404);
    assertThat(ask("GET", "/metricsx").statusCode()).isEqualTo(404);
    assertThat(ask("POST", "/metrics").statusCode()).isEqualTo(405);
  }

  @Test
  void a_port_that_is_taken_is_refused_in_one_line_that_names_the_option() {
    assertThatThrownBy(() -> MetricsEndpoint.start(endpoint.address(), registry, "--metrics"))
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll("--metrics=" + endpoint.address(), "in use", "0 for any free one")
        .hasMessageNotContaining("\n");
  }

  @Test
  void a_host_that_does_not_exist_is_refused() {
    assertThatThrownBy(
            () -> MetricsEndpoint.start(new HostPort("nowhere.invalid", 0), registry, "--metrics"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("nowhere.invalid");
  }

  @Test
  void values_of_a_timer_are_its_events_their_time_and_the_longest() {
    registry.timer("curvefs.work", "on", "x").record(1500, TimeUnit.MILLISECONDS);
    registry.timer("curvefs.work", "on", "x").record(500, TimeUnit.MILLISECONDS);

    assertThat(MeterValues.of(registry))
        .containsEntry("curvefs.work{on=x}", 2.0)
        .containsEntry("curvefs.work.seconds{on=x}", 2.0)
        .containsEntry("curvefs.work.max.seconds{on=x}", 1.5);
  }

  @Test
  void a_process_tells_its_own_cost() {
    ProcessMeters.register(registry);

    assertThat(MeterValues.of(registry))
        .hasEntrySatisfying("process.cpu.seconds", cpu -> assertThat(cpu).isPositive())
        .hasEntrySatisfying(
            "process.resident.memory.bytes", bytes -> assertThat(bytes).isGreaterThan(1 << 20))
        .hasEntrySatisfying("process.heap.bytes", bytes -> assertThat(bytes).isPositive())
        .hasEntrySatisfying("process.open.fds", files -> assertThat(files).isPositive());
  }
}

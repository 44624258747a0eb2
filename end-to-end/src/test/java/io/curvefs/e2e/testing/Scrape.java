package io.curvefs.e2e.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What a metrics endpoint says, as Prometheus would read it.
 *
 * @param families type of each metric, by name
 * @param samples value of each series, as {@code name{label="value",}}
 */
public record Scrape(Map<String, String> families, Map<String, Double> samples) {
  /** Asks an endpoint. */
  public static Scrape of(URI endpoint) {
    try {
      HttpResponse<String> answer =
          HttpClient.newHttpClient()
              .send(
                  HttpRequest.newBuilder(endpoint).timeout(Duration.ofSeconds(30)).build(),
                  HttpResponse.BodyHandlers.ofString());
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      return parse(answer.body());
    } catch (IOException e) {
      throw new AssertionError(endpoint + " does not answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  private static Scrape parse(String text) {
    Map<String, String> families = new TreeMap<>();
    Map<String, Double> samples = new TreeMap<>();
    for (String line : text.split("\n")) {
      String[] words = line.split(" ");
      if (line.startsWith("# TYPE ")) {
        families.put(words[2], words[3]);
      } else if (!line.startsWith("#")) {
        int blank = line.lastIndexOf(' ');
        samples.put(line.substring(0, blank), number(line.substring(blank + 1)));
      }
    }
    return new Scrape(families, samples);
  }

  private static double number(String text) {
    return text.equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(text);
  }

  /** Names that queries can use: without labels. */
  public Set<String> seriesNames() {
    Set<String> names = new TreeSet<>();
    samples.keySet().forEach(series -> names.add(series.replaceFirst("\\{.*", "")));
    return names;
  }

  /**
   * The names that our own statistics have for what is served, with underscores in place of dots.
   */
  public Set<String> statisticsNames() {
    Set<String> names = new TreeSet<>();
    families.forEach(
        (name, type) -> {
          String timer = name.replaceFirst("_seconds(_max)?$", "");
          switch (type) {
            case "counter" -> names.add(name.replaceFirst("_total$", ""));
            case "histogram", "summary" -> names.addAll(Set.of(timer, timer + "_seconds"));
            case "gauge" ->
                names.add(
                    name.endsWith("_seconds_max") && families.containsKey(timer + "_seconds")
                        ? timer + "_max_seconds"
                        : name);
            default -> throw new AssertionError("a metric of an unexpected type: " + type);
          }
        });
    return names;
  }
}

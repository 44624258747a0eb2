package io.curvefs.client.cli;

import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** JSON for scripts. */
public final class Json {
  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private Json() {}

  /** Prints maps, lists, records and numbers to standard output. */
  public static void print(Object value) {
    System.out.println(MAPPER.writeValueAsString(value));
  }
}

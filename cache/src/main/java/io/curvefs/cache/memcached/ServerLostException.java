package io.curvefs.cache.memcached;

import java.io.IOException;

/** A server does not answer, or not as memcached does. The message names it. */
final class ServerLostException extends IOException {
  private static final long serialVersionUID = 1;

  ServerLostException(MemcachedServer server, Throwable why) {
    super("memcached server " + server + ": " + describe(why), why);
  }

  ServerLostException(MemcachedServer server, String why) {
    super("memcached server " + server + ": " + why);
  }

  private static String describe(Throwable why) {
    String message = why.getMessage();
    return message == null ? why.getClass().getSimpleName() : message;
  }
}

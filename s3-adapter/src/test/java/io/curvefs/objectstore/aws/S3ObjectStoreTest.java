package io.curvefs.objectstore.aws;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.S3Credentials;
import io.curvefs.objectstore.embedded.EmbeddedS3Options;
import io.curvefs.objectstore.embedded.EmbeddedS3Server;
import io.curvefs.objectstore.testing.ObjectStoreContract;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** The contract over a real HTTP connection, with keys checked by the server. */
class S3ObjectStoreTest extends ObjectStoreContract {

  private final ListAppender<ILoggingEvent> warnings = new ListAppender<>();
  private EmbeddedS3Server server;

  @BeforeAll
  void start(@TempDir Path directory) throws Exception {
    warnings.start();
    rootLogger().addAppender(warnings);
    S3Credentials.StaticKeys keys = S3Credentials.of("access", "secret");
    server = EmbeddedS3Server.start(EmbeddedS3Options.in(directory, "bucket").withKeys(keys));
  }

  @AfterAll
  void stop() {
    server.close();
    rootLogger().detachAppender(warnings);
    assertThat(warnings.list)
        .as("client and server log nothing from WARN up in normal use")
        .isEmpty();
  }

  /** Set to WARN for all tests. */
  private static Logger rootLogger() {
    return (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
  }

  @Override
  protected ObjectStore open() {
    return S3ObjectStore.open(server.location("bucket"), S3Limits.DEFAULTS);
  }
}

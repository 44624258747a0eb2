package io.curvefs.objectstore.aws;

import io.curvefs.objectstore.ObjectStoreMetrics;
import io.curvefs.objectstore.S3Credentials;
import io.curvefs.objectstore.S3Location;
import java.net.URI;
import java.util.List;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.client.config.ClientOverrideConfiguration;
import software.amazon.awssdk.core.client.config.SdkAdvancedClientOption;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.http.auth.spi.scheme.AuthSchemeOption;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.http.nio.netty.SdkEventLoopGroup;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3BaseClientBuilder;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.auth.scheme.S3AuthSchemeProvider;
import software.amazon.awssdk.utils.SdkAutoCloseable;

/**
 * The two SDK clients, set alike. Netty writes because it sends direct buffers without a copy;
 * Apache reads because a blocking stream costs half the CPU of Netty and none of its copies.
 */
final class S3Clients {

  private static final int EVENT_LOOPS_MAX = 8;
  private static final int CLOSE_QUIET_MILLIS = 100;

  private final S3Location location;
  private final S3Limits limits;
  private final ClientOverrideConfiguration overrides;
  private final AwsCredentialsProvider credentials;
  private final SdkEventLoopGroup loops;

  S3Clients(S3Location location, S3Limits limits, ObjectStoreMetrics metrics) {
    this.location = location;
    this.limits = limits;
    this.credentials = provider(location.credentials());
    int threads =
        Math.max(2, Math.min(EVENT_LOOPS_MAX, Runtime.getRuntime().availableProcessors()));
    this.loops = SdkEventLoopGroup.builder().numberOfThreads(threads).build();
    this.overrides =
        ClientOverrideConfiguration.builder()
            .retryStrategy(AwsRetryStrategy.doNotRetry()) // S3Calls does
            .addExecutionInterceptor(new RequestCounter(metrics))
            .putAdvancedOption(SdkAdvancedClientOption.USER_AGENT_PREFIX, "curvefs")
            .build();
  }

  S3AsyncClient writing() {
    return configure(S3AsyncClient.builder())
        .httpClientBuilder(
            NettyNioAsyncHttpClient.builder()
                .maxConcurrency(limits.concurrentPutsMax())
                .eventLoopGroup(loops)
                .connectionAcquisitionTimeout(limits.acquireTimeout())
                .connectionTimeout(limits.connectTimeout())
                .readTimeout(limits.stallTimeout())
                .writeTimeout(limits.stallTimeout()))
        .build();
  }

  S3Client reading() {
    return configure(S3Client.builder())
        .httpClientBuilder(
            Apache5HttpClient.builder()
                .maxConnections(limits.concurrentReadsMax())
                .connectionAcquisitionTimeout(limits.totalBound())
                .connectionTimeout(limits.connectTimeout())
                .socketTimeout(limits.stallTimeout()))
        .build();
  }

  /**
   * Ends the event loops, which the clients share and do not own, and what the default credential
   * chain may have started.
   */
  void close() {
    // The loops must outlast what the client's channels still hand to each other. The SDK would
    // wait two seconds.
    loops
        .eventLoopGroup()
        .shutdownGracefully(CLOSE_QUIET_MILLIS, 1000, TimeUnit.MILLISECONDS)
        .awaitUninterruptibly(2, TimeUnit.SECONDS);
    if (credentials instanceof SdkAutoCloseable chain) {
      chain.close();
    }
  }

  private <B extends S3BaseClientBuilder<B, ?>> B configure(B builder) {
    if (!location.endpoint().isEmpty()) {
      builder.endpointOverride(URI.create(location.endpoint()));
    }
    return builder
        .region(Region.of(location.region()))
        .credentialsProvider(credentials)
        .forcePathStyle(true)
        .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
        .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
        .authSchemeProvider(unsignedPayload())
        .overrideConfiguration(overrides);
  }

  /**
   * Hashing each body for its signature costs as much CPU as sending it; our own checksum travels
   * beside it.
   */
  private static S3AuthSchemeProvider unsignedPayload() {
    S3AuthSchemeProvider standard = S3AuthSchemeProvider.defaultProvider();
    return parameters -> {
      List<AuthSchemeOption> options = standard.resolveAuthScheme(parameters);
      return options.stream().map(S3Clients::unsigned).toList();
    };
  }

  private static AuthSchemeOption unsigned(AuthSchemeOption option) {
    return option.toBuilder()
        .putSignerProperty(AwsV4HttpSigner.PAYLOAD_SIGNING_ENABLED, false)
        .build();
  }

  private static AwsCredentialsProvider provider(S3Credentials credentials) {
    if (credentials instanceof S3Credentials.StaticKeys keys) {
      return StaticCredentialsProvider.create(
          AwsBasicCredentials.create(keys.accessKey(), keys.secretKey()));
    }
    return DefaultCredentialsProvider.builder().build();
  }
}

package io.curvefs.objectstore.aws;

import io.curvefs.objectstore.ListPage;
import io.curvefs.objectstore.ObjectStore;
import io.curvefs.objectstore.ObjectStoreException;
import io.curvefs.objectstore.ObjectStoreMetrics;
import io.curvefs.objectstore.S3Location;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.async.AsyncRequestBody;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;

/** One bucket of an S3 service. Any number of threads may use it. */
public final class S3ObjectStore implements ObjectStore {

  private static final int LIST_KEYS_MAX = 1000;

  private final String bucket;
  private final ObjectStoreMetrics metrics = new ObjectStoreMetrics();
  private final S3Clients clients;
  private final S3AsyncClient writing;
  private final S3Client reading;
  private final S3Calls calls;
  private final BatchDelete batchDelete;

  private S3ObjectStore(S3Location location, S3Limits limits) {
    this.bucket = location.bucket();
    this.clients = new S3Clients(location, limits, metrics);
    this.writing = clients.writing();
    this.reading = clients.reading();
    this.calls = new S3Calls(new S3Failures(location, limits), limits, metrics);
    this.batchDelete = new BatchDelete(reading, bucket, calls);
  }

  /**
   * Opens a bucket without asking the network anything; {@link io.curvefs.objectstore.BucketProbe}
   * does that.
   */
  public static S3ObjectStore open(S3Location location, S3Limits limits) {
    return new S3ObjectStore(location, limits);
  }

  @Override
  public CompletableFuture<Void> put(String key, List<ByteBuffer> body) {
    PutObjectRequest.Builder request =
        PutObjectRequest.builder().bucket(bucket).key(key).metadata(BodyChecksum.metadata(body));
    AsyncRequestBody content =
        body.isEmpty()
            ? AsyncRequestBody.empty()
            : AsyncRequestBody.fromRemainingByteBuffersUnsafe(body.toArray(new ByteBuffer[0]));
    return calls.start(
        "writing '" + key + "'",
        body.stream().mapToLong(ByteBuffer::remaining).sum(),
        override -> writing.putObject(request.overrideConfiguration(override).build(), content));
  }

  @Override
  public void get(String key, int objectLength, int offset, int length, List<ByteBuffer> into)
      throws ObjectStoreException {
    Objects.checkFromIndexSize(offset, length, objectLength);
    long room = into.stream().mapToLong(ByteBuffer::remaining).sum();
    if (length < 1 || room != length) {
      throw new IllegalArgumentException("buffers of " + room + " bytes for a range of " + length);
    }
    BodyReader reader = new BodyReader(objectLength, offset, length, into, metrics);
    GetObjectRequest.Builder request = GetObjectRequest.builder().bucket(bucket).key(key);
    if (!reader.whole()) {
      request.range(reader.range());
    }
    calls.run(
        "reading '" + key + "'",
        override -> reading.getObject(request.overrideConfiguration(override).build(), reader));
  }

  @Override
  public void delete(Collection<String> keys) throws ObjectStoreException {
    batchDelete.delete(keys);
  }

  @Override
  public ListPage list(String prefix, @Nullable String startAfter, int limit)
      throws ObjectStoreException {
    if (limit < 1 || limit > LIST_KEYS_MAX) {
      throw new IllegalArgumentException(
          "a page of " + limit + " objects; 1 to " + LIST_KEYS_MAX + " are possible");
    }
    ListObjectsV2Request.Builder request =
        ListObjectsV2Request.builder()
            .bucket(bucket)
            .prefix(prefix)
            .startAfter(startAfter)
            .maxKeys(limit);
    ListObjectsV2Response page =
        calls.run(
            "listing '" + prefix + "'",
            override -> reading.listObjectsV2(request.overrideConfiguration(override).build()));
    List<ListPage.Item> objects =
        page.contents().stream()
            .map(object -> new ListPage.Item(object.key(), object.size(), object.lastModified()))
            .toList();
    return new ListPage(objects, Boolean.TRUE.equals(page.isTruncated()));
  }

  @Override
  public ObjectStoreMetrics metrics() {
    return metrics;
  }

  @Override
  public void close() {
    calls.close();
    writing.close();
    reading.close();
    clients.close();
    calls.failRest();
  }
}

package io.curvefs.objectstore.aws;

import io.curvefs.objectstore.ObjectStoreException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import software.amazon.awssdk.awscore.AwsRequestOverrideConfiguration;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.Delete;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.S3Error;

/**
 * Deletes a thousand objects per request. Keys the store could not delete that way, and all keys on
 * a store that does not take such requests, are deleted one by one, each with its own repetitions
 * and a clear error.
 */
final class BatchDelete {

  private static final int BATCH_KEYS_MAX = 1000;

  private final S3Client client;
  private final String bucket;
  private final S3Calls calls;

  /** Set once the store has refused a batch; then none is tried again. */
  private volatile boolean oneByOne;

  BatchDelete(S3Client client, String bucket, S3Calls calls) {
    this.client = client;
    this.bucket = bucket;
    this.calls = calls;
  }

  void delete(Collection<String> keys) throws ObjectStoreException {
    List<String> all = List.copyOf(keys);
    for (int from = 0; from < all.size(); from += BATCH_KEYS_MAX) {
      deleteBatch(all.subList(from, Math.min(all.size(), from + BATCH_KEYS_MAX)));
    }
  }

  private void deleteBatch(List<String> keys) throws ObjectStoreException {
    if (keys.size() == 1 || oneByOne) {
      deleteEach(keys);
      return;
    }
    Optional<List<String>> left =
        calls.run("deleting " + keys.size() + " objects", override -> tryBatch(keys, override));
    deleteEach(left.orElse(keys));
    oneByOne = left.isEmpty(); // only now, because what works one by one was no fault of ours
  }

  private void deleteEach(List<String> keys) throws ObjectStoreException {
    for (String key : keys) {
      calls.run(
          "deleting '" + key + "'",
          override ->
              client.deleteObject(r -> r.bucket(bucket).key(key).overrideConfiguration(override)));
    }
  }

  /** Returns the keys that are left, or nothing if the store refuses batches. */
  private Optional<List<String>> tryBatch(
      List<String> keys, AwsRequestOverrideConfiguration override) {
    List<ObjectIdentifier> objects = new ArrayList<>(keys.size());
    for (String key : keys) {
      objects.add(ObjectIdentifier.builder().key(key).build());
    }
    Delete batch = Delete.builder().objects(objects).quiet(true).build();
    try {
      List<S3Error> errors =
          client
              .deleteObjects(r -> r.bucket(bucket).delete(batch).overrideConfiguration(override))
              .errors();
      return Optional.of(
          errors.stream()
              .filter(error -> !"NoSuchKey".equals(error.code()))
              .map(S3Error::key)
              .toList());
    } catch (AwsServiceException e) {
      if (S3Failures.refusesBatchDelete(e)) {
        return Optional.empty();
      }
      throw e;
    }
  }
}

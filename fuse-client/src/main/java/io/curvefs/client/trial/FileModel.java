package io.curvefs.client.trial;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a file must hold. After a crash, each byte may be the one that was synced last, or one of
 * those that were written since. Owned by one thread.
 */
final class FileModel {
  private byte[] current = new byte[0];
  private byte[] synced = new byte[0];
  private final List<Change> unsynced = new ArrayList<>();

  /**
   * One change, done or perhaps done.
   *
   * @param bytes what it puts there
   * @param lengthMin shortest length that the file may have on the way through it
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Change(int offset, byte[] bytes, int lengthMin, int lengthMax) {}

  int length() {
    return current.length;
  }

  /** A write, of which as much was done as {@code done} says; the rest may have been. */
  void write(int offset, byte[] bytes, int done) {
    int before = current.length;
    int end = Math.max(before, offset + bytes.length);
    unsynced.add(new Change(offset, bytes.clone(), before, end));
    if (done > 0) {
      current = Arrays.copyOf(current, Math.max(before, offset + done));
      System.arraycopy(bytes, 0, current, offset, done);
    }
  }

  /** Another length that was set, or perhaps was. */
  void truncate(int length, boolean done) {
    int before = current.length;
    int from = Math.min(before, length);
    unsynced.add(
        new Change(from, new byte[Math.max(0, before - length)], from, Math.max(before, length)));
    if (done) {
      current = Arrays.copyOf(current, length);
    }
  }

  /** A hole that was made, or perhaps was. */
  void punch(int offset, int length, boolean done) {
    int end = Math.min(current.length, offset + length);
    if (offset >= end) {
      return;
    }
    unsynced.add(new Change(offset, new byte[end - offset], current.length, current.length));
    if (done) {
      Arrays.fill(current, offset, end, (byte) 0);
    }
  }

  /** Everything that was done is durable. */
  void synced() {
    synced = current.clone();
    unsynced.clear();
  }

  /** Bytes that differ from what the file must hold, when nothing has crashed. */
  long wrong(byte[] actual) {
    long wrong = Math.abs(actual.length - current.length);
    int both = Math.min(actual.length, current.length);
    for (int i = Arrays.mismatch(actual, 0, both, current, 0, both); i >= 0 && i < both; i++) {
      wrong += actual[i] == current[i] ? 0 : 1;
    }
    return wrong;
  }

  /** Bytes that a file cannot have after a crash. From now on it must hold what it has. */
  long wrongAfterCrash(byte[] actual) {
    long wrong =
        mayHaveLength(actual.length) ? 0 : Math.max(1, Math.abs(actual.length - synced.length));
    for (int i = 0; i < actual.length; i++) {
      wrong += mayBe(i, actual[i]) ? 0 : 1;
    }
    current = actual.clone();
    synced();
    return wrong;
  }

  private boolean mayHaveLength(int length) {
    return length == synced.length
        || unsynced.stream()
            .anyMatch(change -> change.lengthMin <= length && length <= change.lengthMax);
  }

  private boolean mayBe(int at, byte value) {
    if (value == (at < synced.length ? synced[at] : 0)) {
      return true;
    }
    for (Change change : unsynced) {
      int within = at - change.offset;
      if (within >= 0 && within < change.bytes.length && change.bytes[within] == value) {
        return true;
      }
    }
    return false;
  }
}

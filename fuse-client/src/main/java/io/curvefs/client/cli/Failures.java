package io.curvefs.client.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Says in one line what java.nio says with the class of an exception. */
final class Failures {
  private Failures() {}

  static IOException explained(IOException failure) {
    if (!(failure instanceof FileSystemException known) || known.getReason() != null) {
      return failure;
    }
    String reason;
    if (failure instanceof NoSuchFileException) {
      reason = "does not exist";
    } else if (failure instanceof FileAlreadyExistsException) {
      reason = "exists already";
    } else if (failure instanceof AccessDeniedException) {
      reason = "permission denied";
    } else if (failure instanceof NotDirectoryException) {
      reason = "is not a directory";
    } else {
      reason = failure.getClass().getSimpleName();
    }
    return new IOException(known.getFile() + ": " + reason, failure);
  }
}

package io.curvefs.space.device.remote;

/** What a server is asked to do. Addresses are of memory that stays until the command has ended. */
public sealed interface Command {

  /** Fills memory from the device. */
  record Read(long address, int length, long offset) implements Command {}

  /** Writes memory to the device. */
  record Write(long address, int length, long offset) implements Command {}

  /** Makes all acknowledged writes durable, those of other connections too. */
  record Flush() implements Command {}

  /** Says that a range is not needed. */
  record Discard(long offset, long length) implements Command {}
}

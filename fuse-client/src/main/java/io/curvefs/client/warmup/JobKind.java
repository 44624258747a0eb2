package io.curvefs.client.warmup;

/** What a job does with the files that it is given. */
public enum JobKind {
  /** Fills the tiers. Survives the mount's end. */
  ADD,

  /** Counts what the tiers have. */
  CHECK,

  /** Takes files out of the tiers. */
  EVICT
}

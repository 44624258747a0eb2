package io.curvefs.client.warmup;

/**
 * What outlives the mount's process of a job.
 *
 * @param origin inode whose attribute asked for it; 0: a command did
 */
record SavedJob(JobStatus status, long origin) {}

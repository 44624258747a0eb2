package io.curvefs.metaserver.raft;

import com.alipay.sofa.jraft.JRaftServiceFactory;
import com.alipay.sofa.jraft.core.DefaultJRaftServiceFactory;
import com.alipay.sofa.jraft.entity.LogEntry;
import com.alipay.sofa.jraft.option.RaftOptions;
import com.alipay.sofa.jraft.storage.LogStorage;
import com.alipay.sofa.jraft.storage.impl.RocksDBLogStorage;
import java.util.List;

/** JRaft's log in RocksDB, with its writes timed: each is fsynced before it returns. */
final class MeteredLogStorage extends RocksDBLogStorage {
  private final GroupMetrics metrics;

  private MeteredLogStorage(String path, RaftOptions options, GroupMetrics metrics) {
    super(path, options);
    this.metrics = metrics;
  }

  /** JRaft's own parts but for the log. */
  static JRaftServiceFactory factory(GroupMetrics metrics) {
    return new DefaultJRaftServiceFactory() {
      @Override
      public LogStorage createLogStorage(String uri, RaftOptions options) {
        return new MeteredLogStorage(uri, options, metrics);
      }
    };
  }

  @Override
  public boolean appendEntry(LogEntry entry) {
    long begun = System.nanoTime();
    boolean written = super.appendEntry(entry);
    metrics.logWritten(System.nanoTime() - begun);
    return written;
  }

  @Override
  public int appendEntries(List<LogEntry> entries) {
    long begun = System.nanoTime();
    int written = super.appendEntries(entries);
    metrics.logWritten(System.nanoTime() - begun);
    return written;
  }
}

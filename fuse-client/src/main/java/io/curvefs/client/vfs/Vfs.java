package io.curvefs.client.vfs;

import com.google.protobuf.ByteString;
import io.curvefs.client.content.ContentListener;
import io.curvefs.client.content.Contents;
import io.curvefs.client.content.FileContent;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.MetaClient;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.client.siblings.SiblingReadAhead;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.proto.Create;
import io.curvefs.proto.FileChunks;
import io.curvefs.proto.FileType;
import io.curvefs.proto.SetAttributes;
import io.curvefs.proto.SetXattr;
import io.curvefs.slice.Layout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The file system as POSIX means it, over inode numbers and handles. Refusals carry the errno; any
 * other {@link IOException} is EIO. Who may do what is for the asking side to check. Thread-safe.
 */
public final class Vfs {
  private static final int SYMLINK_MODE = 0777;

  /** NAME_MAX of Linux. */
  private static final int NAME_BYTES_MAX = 255;

  private final NamespaceClient namespace;
  private final OpenFiles files;
  private final UnopenedFiles unopened;
  private final Handles<DirectoryStream> directories = new Handles<>();
  private final SiblingReadAhead siblings;
  private final SeenVersions seen;
  private final Xattrs xattrs;
  private final VfsOptions options;

  /**
   * @param seen the listener that {@code data} reports to
   */
  public Vfs(
      NamespaceClient namespace,
      Contents data,
      Seen seen,
      ControlAttributes control,
      VfsOptions options) {
    this.namespace = namespace;
    this.files = new OpenFiles(namespace, data, options.readAheadBytesMax());
    this.unopened = new UnopenedFiles(files, this::openUnasked);
    this.siblings = data.siblings();
    this.seen = seen.versions;
    this.xattrs = new Xattrs(namespace, control, options);
    this.options = options;
  }

  /** What the asking side has seen of the files; made before the data path, which reports to it. */
  public static final class Seen {
    private final SeenVersions versions = new SeenVersions();

    public ContentListener listener() {
      return versions;
    }
  }

  /** Tells somebody, from now on, who reads what. */
  public void listen(OpenListener listener) {
    files.listen(listener);
  }

  /**
   * Serves an asking side that does not tell of opens and closes ({@link #readUnopened}) and
   * therefore has to be told, from now on, which pages are stale.
   */
  public void tellStalePages(StalePages told) {
    seen.tell(told);
  }

  public InodeId root() {
    return options.root();
  }

  private void requireWritable() throws RefusedException {
    if (options.readOnly()) {
      throw new RefusedException(Refusal.EROFS);
    }
  }

  // ---- names and attributes ----

  public InodeId lookup(InodeId parent, ByteString name) throws RefusedException {
    if (name.size() > NAME_BYTES_MAX) {
      throw new RefusedException(Refusal.ENAMETOOLONG);
    }
    return namespace.child(parent, name);
  }

  /** Attributes as they look from this mount, its own uncommitted writes included. */
  public Attributes attributes(InodeId inode) throws RefusedException {
    FileContent open = files.find(inode);
    return open == null ? shown(inode) : open.withUncommitted(() -> shown(inode));
  }

  private Attributes shown(InodeId inode) throws RefusedException {
    Attributes attributes = namespace.attributes(inode);
    seen.shown(attributes);
    return attributes;
  }

  public ByteString readLink(InodeId inode) throws RefusedException {
    Attributes attributes = namespace.attributes(inode);
    if (attributes.type() != FileType.SYMLINK) {
      throw new RefusedException(Refusal.EINVAL);
    }
    return attributes.symlinkTarget();
  }

  /** mknod(2) and mkdir(2): an inode of any type but a symlink. */
  public Attributes make(
      Caller caller, InodeId parent, ByteString name, FileType type, int mode, int rdev)
      throws RefusedException {
    requireWritable();
    return namespace.create(create(caller, parent, name, type, mode).setRdev(rdev));
  }

  public Attributes symlink(Caller caller, InodeId parent, ByteString name, ByteString target)
      throws RefusedException {
    requireWritable();
    return namespace.create(
        create(caller, parent, name, FileType.SYMLINK, SYMLINK_MODE).setSymlinkTarget(target));
  }

  private static Create.Builder create(
      Caller caller, InodeId parent, ByteString name, FileType type, int mode) {
    return Create.newBuilder()
        .setParent(parent.value())
        .setName(name)
        .setType(type)
        .setMode(mode)
        .setUid(caller.uid())
        .setGid(caller.gid());
  }

  public void unlink(InodeId parent, ByteString name) throws RefusedException {
    requireWritable();
    namespace.unlink(parent, name);
  }

  public void removeDirectory(InodeId parent, ByteString name) throws RefusedException {
    requireWritable();
    namespace.removeDirectory(parent, name);
  }

  /** A rename publishes: what was written to the file is committed first, for others to see. */
  public void rename(InodeId parent, ByteString name, InodeId newParent, ByteString newName)
      throws IOException {
    requireWritable();
    if (files.mayHaveStaged()) {
      drain(namespace.child(parent, name));
    }
    namespace.rename(parent, name, newParent, newName);
  }

  private void drain(InodeId inode) throws IOException {
    FileContent file = files.find(inode);
    if (file != null) {
      file.drain();
    }
  }

  /** As with {@link #rename}, what was written is committed first. */
  public Attributes link(InodeId inode, InodeId parent, ByteString name) throws IOException {
    requireWritable();
    if (files.mayHaveStaged()) {
      drain(inode);
    }
    return namespace.link(inode, parent, name);
  }

  /**
   * Changes attributes, in order with what was written before.
   *
   * @return as they are at the metaserver
   */
  public Attributes setAttributes(SetAttributes.Builder set) throws IOException {
    requireWritable();
    InodeId inode = new InodeId(set.getInode());
    if (!set.hasLength()) {
      FileContent open = files.find(inode);
      return open == null
          ? namespace.setAttributes(set)
          : open.setAttributes(set, () -> namespace.setAttributes(set));
    }
    return files.withContent(
        inode,
        file -> {
          Attributes after = file.setAttributes(set, () -> namespace.setAttributes(set));
          seen.changedHere(inode, after.dataVersion());
          file.changed();
          return after;
        });
  }

  // ---- files ----

  /**
   * An open file.
   *
   * @param keepPages pages of it that the asking side holds are still good
   * @param lengthChanged the asking side may hold an old length: it has to ask again
   */
  public record Opened(long handle, boolean keepPages, boolean lengthChanged) {}

  /** What a file is opened for. */
  public enum Access {
    READ,
    WRITE,
    /** The asking side places what is written behind the length that it knows. */
    APPEND
  }

  /**
   * Opens a file; what other mounts have closed before is seen from now on (close-to-open).
   *
   * @throws RefusedException ESTALE when somebody who appends has to ask for the attributes first,
   *     and to open again then
   */
  public Opened open(InodeId inode, Access access) throws RefusedException {
    if (access != Access.READ) {
      requireWritable();
    }
    NamespaceClient.Opened opened =
        access == Access.READ ? namespace.openKnown(inode) : namespace.open(inode);
    if (access == Access.APPEND && seen.mustAskAgain(opened.attributes())) {
      namespace.close(inode);
      throw new RefusedException(Refusal.ESTALE);
    }
    long handle = files.add(opened);
    SeenVersions.Caches caches = seen.opened(opened.attributes());
    return new Opened(handle, caches.pagesAreCurrent(), !caches.lengthIsCurrent());
  }

  /** Creates a file and opens it: one request. */
  public Opened createOpen(Caller caller, InodeId parent, ByteString name, int mode)
      throws RefusedException {
    requireWritable();
    Attributes attributes =
        namespace.createOpen(create(caller, parent, name, FileType.REGULAR, mode));
    FileChunks empty = FileChunks.newBuilder().setChunksKnown(1).build();
    long handle = files.add(new NamespaceClient.Opened(attributes, empty, System.nanoTime()));
    seen.shown(attributes);
    seen.opened(attributes);
    return new Opened(handle, true, false);
  }

  public InodeId inodeOf(long handle) throws RefusedException {
    return files.get(handle).data.inode();
  }

  /**
   * @return bytes read into dst; fewer than fit only at the end of the file
   */
  public int read(long handle, long offset, ByteBuffer dst) throws IOException {
    OpenFiles.FileHandle open = files.get(handle);
    if (options.readAheadBytesMax() > 0 && open.beginsToRead()) {
      siblings.begun(open.data.inode());
    }
    Attributes attributes = open.data.withUncommitted(() -> lastKnown(open.data.inode()));
    return open.data.read(open.stream, offset, dst, attributes);
  }

  private long openUnasked(InodeId inode) throws RefusedException {
    NamespaceClient.Opened opened;
    try {
      opened = namespace.openKnown(inode);
    } catch (RefusedException e) {
      // To its reader the file is open, so that "no such file" would make no sense.
      throw e.refusal() == Refusal.ENOENT ? new RefusedException(Refusal.ESTALE) : e;
    }
    seen.shown(opened.attributes());
    return files.add(opened);
  }

  /**
   * Reads from a file that the asking side has not opened, see {@link #tellStalePages}. That others
   * have removed it is noticed only when they did so before the first read.
   *
   * @return as {@link #read}
   */
  public int readUnopened(InodeId inode, long offset, ByteBuffer dst) throws IOException {
    int room = dst.remaining();
    boolean reachedEnd = true;
    UnopenedFiles.Use use = unopened.begin(inode);
    try {
      seen.read(lastKnown(inode));
      int count = read(use.handle(), offset, dst);
      reachedEnd = count < room || offset + count >= lastKnown(inode).length();
      return count;
    } finally {
      unopened.end(use, reachedEnd);
    }
  }

  /** Closes what {@link #readUnopened} has left open. */
  public void closeUnopened() throws IOException {
    unopened.closeIdle();
  }

  /** A file that is open keeps the length of its last open, however old: that is close-to-open. */
  private Attributes lastKnown(InodeId inode) throws RefusedException {
    Attributes last = namespace.lastSeen(inode);
    return last != null ? last : namespace.attributes(inode);
  }

  /**
   * Writes, and says how much: on a full volume, as much as there is room for, as write(2)
   * promises. Otherwise a file would have bytes of a write that failed.
   */
  public int write(long handle, long offset, ByteBuffer src) throws IOException {
    OpenFiles.FileHandle open = files.get(handle);
    open.reportFailure();
    int wanted = src.remaining();
    if (offset + wanted > Layout.FILE_BYTES_MAX) {
      throw new RefusedException(Refusal.EFBIG);
    }
    try {
      open.data.write(offset, src);
    } catch (RefusedException e) {
      if (e.refusal() != Refusal.ENOSPC || src.remaining() == wanted) {
        throw e;
      }
    }
    return wanted - src.remaining();
  }

  /** fallocate(2) with FALLOC_FL_PUNCH_HOLE and FALLOC_FL_KEEP_SIZE. */
  public void punchHole(long handle, long offset, long length) throws IOException {
    OpenFiles.FileHandle open = files.get(handle);
    requireWritable();
    open.reportFailure();
    if (offset < 0 || length <= 0) {
      throw new RefusedException(Refusal.EINVAL);
    }
    if (offset > Layout.FILE_BYTES_MAX - length) {
      throw new RefusedException(Refusal.EFBIG);
    }
    open.data
        .punchHole(offset, length)
        .ifPresent(after -> seen.changedHere(after.id(), after.dataVersion()));
  }

  /** fsync(2), and what close(2) waits for. */
  public void flush(long handle) throws IOException {
    files.get(handle).flush();
  }

  public void release(long handle) throws IOException {
    files.release(handle);
  }

  // ---- directories ----

  public long openDirectory(InodeId directory) throws RefusedException {
    Attributes attributes = namespace.attributes(directory);
    if (!attributes.isDirectory()) {
      throw new RefusedException(Refusal.ENOTDIR);
    }
    boolean top = directory.equals(options.root()) || attributes.parent() == 0;
    InodeId parent = top ? directory : new InodeId(attributes.parent());
    return directories.add(new DirectoryStream(namespace, siblings, directory, parent));
  }

  /** Takes names until it is full. */
  @FunctionalInterface
  public interface DirectoryVisitor {
    /**
     * @param next offset to go on from behind this name
     * @return false when there was no room for this one
     */
    boolean visit(ByteString name, InodeId inode, FileType type, long next);
  }

  /**
   * Walks on through a directory.
   *
   * @param offset 0 to begin (anew), else what a name brought as {@code next}
   */
  public void readDirectory(long handle, long offset, DirectoryVisitor visitor)
      throws RefusedException {
    directories.get(handle).read(offset, visitor::visit);
  }

  public void releaseDirectory(long handle) throws RefusedException {
    directories.remove(handle).close();
  }

  // ---- the rest ----

  /** How full the file system is. */
  public MetaClient.Usage usage() throws RefusedException {
    return namespace.meta().usage();
  }

  public ByteString xattr(ControlAttributes.Asker asker, InodeId inode, ByteString name)
      throws IOException {
    return xattrs.get(asker, inode, name);
  }

  public List<ByteString> xattrNames(InodeId inode) throws RefusedException {
    return xattrs.list(inode);
  }

  public void setXattr(ControlAttributes.Asker asker, SetXattr.Builder set) throws IOException {
    xattrs.set(asker, set);
  }

  public void removeXattr(InodeId inode, ByteString name) throws RefusedException {
    requireWritable();
    xattrs.remove(inode, name);
  }

  /** Forgets everything cached here, and that the asking side may keep anything. */
  public void forgetCached() {
    namespace.forgetAll();
    seen.forgetAll();
  }

  /** Open files and directories. */
  public int openHandles() {
    return files.count() + directories.size();
  }
}

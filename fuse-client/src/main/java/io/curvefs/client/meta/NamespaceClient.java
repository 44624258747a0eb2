package io.curvefs.client.meta;

import com.google.protobuf.ByteString;
import io.curvefs.error.Refusal;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import io.curvefs.id.SessionId;
import io.curvefs.proto.CommitBlocks;
import io.curvefs.proto.CommitExtents;
import io.curvefs.proto.Create;
import io.curvefs.proto.DirectoryEntry;
import io.curvefs.proto.FileChunks;
import io.curvefs.proto.Inode;
import io.curvefs.proto.Link;
import io.curvefs.proto.MutateReply;
import io.curvefs.proto.MutateRequest;
import io.curvefs.proto.PunchHole;
import io.curvefs.proto.ReadReply;
import io.curvefs.proto.RemoveDir;
import io.curvefs.proto.RemoveXattr;
import io.curvefs.proto.Rename;
import io.curvefs.proto.SetAttributes;
import io.curvefs.proto.SetXattr;
import io.curvefs.proto.Unlink;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Names and attributes of the mounted file system, from memory where that is allowed. What this
 * mount changes, it sees at once. Thread-safe.
 */
public final class NamespaceClient {
  private static final int LISTINGS_KEPT = 64;

  private final MetaClient meta;
  private final MetadataCache cache;
  private final Listings listings;
  private final OpenCache openable;

  /**
   * Entries of recent listings whose attributes live in other groups and were not asked for yet.
   */
  private final Map<MetadataCache.Listing, List<InodeId>> unasked = new ConcurrentHashMap<>();

  public NamespaceClient(MetaClient meta, MetaOptions options) {
    this.meta = meta;
    this.cache =
        new MetadataCache(
            options.attributeTimeout(),
            options.entryTimeout(),
            options.negativeTimeout(),
            System::nanoTime);
    // Names without their attributes would cost those who look at them a request each.
    boolean attributesFirst = options.attributeTimeout().compareTo(options.entryTimeout()) < 0;
    this.listings =
        new Listings(
            attributesFirst ? options.attributeTimeout() : options.entryTimeout(),
            System::nanoTime);
    this.openable = new OpenCache(options.openCache(), System::nanoTime);
  }

  public MetaClient meta() {
    return meta;
  }

  /**
   * The inode behind a name.
   *
   * @throws RefusedException ENOENT when there is none
   */
  public InodeId child(InodeId parent, ByteString name) throws RefusedException {
    MetadataCache.Found known = cache.name(parent, name);
    if (known == null) {
      return ask(parent, name);
    }
    if (known.child() == null) {
      throw new RefusedException(Refusal.ENOENT);
    }
    if (known.listing() != null) {
      askWithSiblings(known.child(), known.listing());
    }
    return known.child();
  }

  private InodeId ask(InodeId parent, ByteString name) throws RefusedException {
    ReadReply reply;
    try {
      reply = meta.lookup(parent, name);
    } catch (RefusedException e) {
      if (e.refusal() == Refusal.ENOENT) {
        cache.putAbsent(parent, name);
      }
      throw e;
    }
    InodeId child = new InodeId(reply.getDentry().getChild());
    cache.putName(parent, name, child);
    reply.getInodesList().forEach(inode -> cache.put(Attributes.of(inode)));
    return child;
  }

  /** Attributes that a listing could not bring are asked for together, when the first is wanted. */
  private void askWithSiblings(InodeId wanted, MetadataCache.Listing listing)
      throws RefusedException {
    List<InodeId> siblings = unasked.get(listing);
    if (siblings == null || cache.attributes(wanted) != null) {
      return;
    }
    if (unasked.remove(listing, siblings)) {
      for (Attributes attributes : meta.inodes(siblings)) {
        cache.put(attributes, listing);
      }
    }
  }

  /**
   * @throws RefusedException ENOENT when the inode is gone
   */
  public Attributes attributes(InodeId inode) throws RefusedException {
    Attributes known = cache.attributes(inode);
    return known != null ? known : freshAttributes(inode);
  }

  public Attributes freshAttributes(InodeId inode) throws RefusedException {
    List<Attributes> found = meta.inodes(List.of(inode));
    if (found.isEmpty()) {
      cache.forget(inode);
      throw new RefusedException(Refusal.ENOENT);
    }
    cache.put(found.get(0));
    return found.get(0);
  }

  /** The attributes that were last seen, however old; null: never seen. */
  public @Nullable Attributes lastSeen(InodeId inode) {
    return cache.lastAttributes(inode);
  }

  /**
   * An inode that is held open until {@link #close}, with what reading it needs first.
   *
   * @param chunks the first ones
   * @param asked when they were asked for, or before, on the monotonic clock
   */
  public record Opened(Attributes attributes, FileChunks chunks, long asked) {}

  /**
   * Opens for reading what was heard of the file within {@code open_cache}; asks where nothing was.
   */
  public Opened openKnown(InodeId inode) throws RefusedException {
    Attributes last = cache.lastAttributes(inode);
    OpenCache.Answer known = last == null ? null : openable.find(last);
    if (last == null || known == null) {
      return open(inode);
    }
    meta.hold(inode);
    return new Opened(last, known.chunks(), known.asked());
  }

  /** Opens a file as it is now: one request. */
  public Opened open(InodeId inode) throws RefusedException {
    ReadReply reply;
    long asked = System.nanoTime();
    try {
      reply = meta.open(inode);
    } catch (RefusedException e) {
      if (e.refusal() == Refusal.ENOENT) {
        cache.forget(inode);
      }
      throw e;
    }
    Attributes attributes = Attributes.of(reply.getInodes(0));
    cache.put(attributes);
    FileChunks chunks =
        FileChunks.newBuilder()
            .addAllChunks(reply.getChunksList())
            .setChunksKnown(reply.getChunksKnown())
            .build();
    openable.put(attributes, chunks, asked);
    return new Opened(attributes, chunks, asked);
  }

  public void close(InodeId inode) {
    meta.closed(inode);
  }

  /**
   * Those of the inodes that exist, with their first chunks, in as few requests as may be; their
   * attributes are news. Nothing is held open, so the extents may be gone by the time they are
   * used.
   *
   * @param chunks of each file, 1 to 64
   */
  public List<FileChunks> files(Collection<InodeId> inodes, int chunks) throws RefusedException {
    long asked = System.nanoTime();
    List<FileChunks> found = meta.files(inodes, chunks);
    for (FileChunks file : found) {
      Attributes attributes = Attributes.of(file.getInode());
      cache.put(attributes);
      openable.put(attributes, file, asked);
    }
    return found;
  }

  // ---- listing ----

  /** One page of a directory. */
  public record Page(List<DirectoryEntry> entries, boolean last) {}

  /** Marks the beginning of a walk through a directory. */
  public MetadataCache.Listing beginListing() {
    return cache.newListing();
  }

  /**
   * The names behind {@code after}; what comes with them is remembered for the stats that follow.
   */
  public Page list(InodeId directory, ByteString after, MetadataCache.Listing listing)
      throws RefusedException {
    ReadReply kept = listings.find(directory, after, cache.lastAttributes(directory));
    if (kept != null) {
      cache.touch(listing);
      return new Page(kept.getEntriesList(), kept.getEnd());
    }
    ReadReply reply = meta.list(directory, after);
    reply.getInodesList().forEach(inode -> cache.put(Attributes.of(inode)));
    List<InodeId> elsewhere = new ArrayList<>();
    for (DirectoryEntry entry : reply.getEntriesList()) {
      InodeId child = new InodeId(entry.getDentry().getChild());
      cache.putName(directory, entry.getName(), child, listing);
      if (entry.hasInode()) {
        cache.put(Attributes.of(entry.getInode()), listing);
      } else {
        elsewhere.add(child);
      }
    }
    if (!elsewhere.isEmpty()) {
      unasked.merge(
          listing,
          elsewhere,
          (before, more) -> {
            List<InodeId> both = new ArrayList<>(before);
            both.addAll(more);
            return both;
          });
    }
    cache.touch(listing);
    return new Page(reply.getEntriesList(), reply.getEnd());
  }

  /**
   * A name with its attributes.
   *
   * @param attributes null: gone since
   */
  public record WholeEntry(ByteString name, @Nullable Attributes attributes) {}

  /** One page of a directory with all attributes. */
  public record WholePage(List<WholeEntry> entries, boolean last) {}

  /**
   * The names behind {@code after} with all their attributes: one request, and one more for each
   * other group that children live in. Names, attributes and the page itself are then known for the
   * mount's timeouts, so that listing the directory asks nothing.
   */
  public WholePage listWhole(InodeId directory, ByteString after) throws RefusedException {
    ReadReply page = listings.find(directory, after, cache.lastAttributes(directory));
    if (page == null) {
      long stamp = listings.stamp(directory);
      page = meta.list(directory, after);
      page.getInodesList().forEach(inode -> cache.put(Attributes.of(inode)));
      listings.put(directory, after, page, stamp);
      for (DirectoryEntry entry : page.getEntriesList()) {
        cache.putName(directory, entry.getName(), new InodeId(entry.getDentry().getChild()));
      }
    }
    Map<InodeId, Attributes> known = new HashMap<>();
    List<InodeId> unknown = new ArrayList<>();
    for (DirectoryEntry entry : page.getEntriesList()) {
      InodeId child = new InodeId(entry.getDentry().getChild());
      Attributes attributes =
          entry.hasInode() ? Attributes.of(entry.getInode()) : cache.attributes(child);
      if (attributes == null) {
        unknown.add(child);
      } else {
        known.put(child, attributes);
        if (entry.hasInode()) {
          cache.put(attributes);
        }
      }
    }
    if (!unknown.isEmpty()) {
      for (Attributes attributes : meta.inodes(unknown)) {
        cache.put(attributes);
        known.put(attributes.id(), attributes);
      }
    }
    List<WholeEntry> entries =
        page.getEntriesList().stream()
            .map(
                entry ->
                    new WholeEntry(
                        entry.getName(), known.get(new InodeId(entry.getDentry().getChild()))))
            .toList();
    return new WholePage(entries, page.getEnd());
  }

  /** The walk is over; its entries stay usable for the stats that follow at once. */
  public void endListing(MetadataCache.Listing listing) {
    if (unasked.size() > LISTINGS_KEPT) {
      unasked.remove(listing);
    }
  }

  // ---- changing ----

  private Attributes took(MutateReply reply) {
    if (reply.hasParent()) {
      cache.put(Attributes.of(reply.getParent()));
    }
    return took(reply.getInode());
  }

  private Attributes took(Inode inode) {
    Attributes attributes = Attributes.of(inode);
    cache.put(attributes);
    return attributes;
  }

  private void parentChanged(InodeId parent, MutateReply reply) {
    listings.changed(parent);
    if (!reply.hasParent()) {
      cache.forget(parent);
    }
  }

  public Attributes create(Create.Builder create) throws RefusedException {
    return created(
        create, meta.mutate(new InodeId(create.getParent()), mutation().setCreate(create)));
  }

  /** The new file is held open until {@link #close}. */
  public Attributes createOpen(Create.Builder create) throws RefusedException {
    return created(
        create, meta.createOpen(new InodeId(create.getParent()), mutation().setCreate(create)));
  }

  private Attributes created(Create.Builder create, MutateReply reply) {
    InodeId parent = new InodeId(create.getParent());
    parentChanged(parent, reply);
    Attributes attributes = took(reply);
    cache.putName(parent, create.getName(), attributes.id());
    return attributes;
  }

  private static MutateRequest.Builder mutation() {
    return MutateRequest.newBuilder();
  }

  public void unlink(InodeId parent, ByteString name) throws RefusedException {
    meta.tellHeld();
    MetadataCache.Found known = cache.name(parent, name);
    MutateReply reply =
        meta.mutate(
            parent,
            mutation().setUnlink(Unlink.newBuilder().setParent(parent.value()).setName(name)));
    parentChanged(parent, reply);
    cache.putAbsent(parent, name);
    if (known != null && known.child() != null) {
      cache.forget(known.child());
    }
    if (reply.hasParent()) {
      cache.put(Attributes.of(reply.getParent()));
    }
    if (reply.hasInode()) {
      took(reply.getInode());
    }
  }

  public void removeDirectory(InodeId parent, ByteString name) throws RefusedException {
    MetadataCache.Found known = cache.name(parent, name);
    MutateReply reply =
        meta.mutate(
            parent,
            mutation()
                .setRemoveDir(RemoveDir.newBuilder().setParent(parent.value()).setName(name)));
    parentChanged(parent, reply);
    cache.putAbsent(parent, name);
    if (known != null && known.child() != null) {
      cache.forget(known.child());
    }
    if (reply.hasParent()) {
      cache.put(Attributes.of(reply.getParent()));
    }
  }

  public Attributes link(InodeId inode, InodeId parent, ByteString name) throws RefusedException {
    MutateReply reply =
        meta.mutate(
            parent,
            mutation()
                .setLink(
                    Link.newBuilder()
                        .setInode(inode.value())
                        .setParent(parent.value())
                        .setName(name)));
    parentChanged(parent, reply);
    cache.forget(inode);
    Attributes attributes = took(reply);
    cache.putName(parent, name, inode);
    return attributes;
  }

  public void rename(InodeId parent, ByteString name, InodeId newParent, ByteString newName)
      throws RefusedException {
    meta.tellHeld();
    MetadataCache.Found moved = cache.name(parent, name);
    MetadataCache.Found replaced = cache.name(newParent, newName);
    try {
      meta.mutate(
          parent,
          mutation()
              .setRename(
                  Rename.newBuilder()
                      .setParent(parent.value())
                      .setName(name)
                      .setNewParent(newParent.value())
                      .setNewName(newName)));
    } finally {
      listings.changed(parent);
      listings.changed(newParent);
      cache.forgetName(parent, name);
      cache.forgetName(newParent, newName);
      cache.forget(parent);
      cache.forget(newParent);
      for (MetadataCache.Found touched : new MetadataCache.Found[] {moved, replaced}) {
        if (touched != null && touched.child() != null) {
          cache.forget(touched.child());
        }
      }
    }
  }

  public Attributes setAttributes(SetAttributes.Builder set) throws RefusedException {
    return took(meta.mutate(new InodeId(set.getInode()), mutation().setSetAttributes(set)));
  }

  /** Frees whole blocks of a file on volumes. */
  public Attributes punchHole(PunchHole.Builder punch) throws RefusedException {
    return took(meta.mutate(new InodeId(punch.getInode()), mutation().setPunchHole(punch)));
  }

  public Attributes commit(CommitExtents.Builder commit) throws RefusedException {
    return took(meta.mutate(new InodeId(commit.getInode()), mutation().setCommit(commit)));
  }

  /**
   * Makes blocks part of a file.
   *
   * @param session that has reserved them; null: none are needed
   */
  public Attributes commit(CommitBlocks.Builder commit, @Nullable SessionId session)
      throws RefusedException {
    InodeId inode = new InodeId(commit.getInode());
    MutateRequest.Builder request = mutation().setCommitBlocks(commit);
    return took(
        session == null ? meta.mutate(inode, request) : meta.mutateIn(session, inode, request));
  }

  public void setXattr(SetXattr.Builder set) throws RefusedException {
    took(meta.mutate(new InodeId(set.getInode()), mutation().setSetXattr(set)));
  }

  public void removeXattr(InodeId inode, ByteString name) throws RefusedException {
    took(
        meta.mutate(
            inode,
            mutation()
                .setRemoveXattr(RemoveXattr.newBuilder().setInode(inode.value()).setName(name))));
  }

  /** Forgets everything that could be asked again. */
  public void forgetAll() {
    cache.forgetAll();
    openable.forgetAll();
    listings.forgetAll();
    unasked.clear();
  }
}

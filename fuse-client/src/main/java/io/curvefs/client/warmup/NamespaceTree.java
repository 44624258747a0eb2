package io.curvefs.client.warmup;

import com.google.protobuf.ByteString;
import io.curvefs.client.data.BlockLists;
import io.curvefs.client.data.BlockLists.FilePart;
import io.curvefs.client.meta.Attributes;
import io.curvefs.client.meta.NamespaceClient;
import io.curvefs.error.RefusedException;
import io.curvefs.id.InodeId;
import java.util.Collection;
import java.util.List;

/** The tree that a mount shows, through the mount's own metadata cache. */
final class NamespaceTree implements FileTree {
  private final NamespaceClient namespace;
  private final BlockLists blocks;
  private final InodeId root;

  NamespaceTree(NamespaceClient namespace, InodeId root) {
    this.namespace = namespace;
    this.blocks = new BlockLists(namespace);
    this.root = root;
  }

  @Override
  public Attributes root() throws RefusedException {
    return namespace.attributes(root);
  }

  @Override
  public Attributes child(InodeId parent, ByteString name) throws RefusedException {
    return namespace.attributes(namespace.child(parent, name));
  }

  @Override
  public Page list(InodeId directory, ByteString after) throws RefusedException {
    NamespaceClient.WholePage page = namespace.listWhole(directory, after);
    List<Child> children =
        page.entries().stream().map(entry -> new Child(entry.name(), entry.attributes())).toList();
    return new Page(children, page.last());
  }

  @Override
  public List<FilePart> firstParts(Collection<InodeId> files, Share share) throws RefusedException {
    return blocks.firstParts(files, share::has);
  }

  @Override
  public FilePart partFrom(InodeId file, int chunk, Share share) throws RefusedException {
    return blocks.partFrom(file, chunk, share::has);
  }
}

package io.curvefs.metaserver.operation;

import io.curvefs.id.InodeId;
import io.curvefs.proto.Effect;
import io.curvefs.proto.Inode;
import io.curvefs.proto.InsertDentry;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an operation is going to change.
 *
 * @param steps effects, each with the partition whose rows it changes
 * @param replyInode whose row answers the request
 * @param replyValue the answer where that row lives in another group
 * @param replyParent the directory whose row goes with the answer
 * @param needsRenameLock it moves a directory: plan again while holding the rename lock
 */
public record Plan(
    List<Step> steps,
    @Nullable InodeId replyInode,
    @Nullable Inode replyValue,
    @Nullable InodeId replyParent,
    boolean needsRenameLock) {

  /** In place of a partition: the group that was asked. */
  public static final int HERE = -1;

  /** One effect and where it belongs. */
  public record Step(int partition, Effect effect) {}

  static Builder builder() {
    return new Builder();
  }

  /** Nothing is to be changed; the request is answered with an inode. */
  static Plan nothing(InodeId replyInode, InodeId replyParent) {
    return builder().reply(replyInode, null).parent(replyParent).build();
  }

  static Plan onceLocked() {
    return new Plan(List.of(), null, null, null, true);
  }

  /** The same plan with the id that was chosen in place of the placeholder. */
  public Plan withChosen(long placeholder, Inode chosen) {
    List<Step> resolved = new ArrayList<>();
    for (Step step : steps) {
      Effect effect = step.effect;
      if (effect.hasInsertDentry() && effect.getInsertDentry().getChild() == placeholder) {
        InsertDentry insert = effect.getInsertDentry().toBuilder().setChild(chosen.getId()).build();
        effect = Effect.newBuilder().setInsertDentry(insert).build();
      }
      resolved.add(new Step(step.partition, effect));
    }
    return new Plan(resolved, replyInode, chosen, replyParent, needsRenameLock);
  }

  /** Collects a plan. */
  static final class Builder {
    private final List<Step> steps = new ArrayList<>();
    private @Nullable InodeId replyInode;
    private @Nullable Inode replyValue;
    private @Nullable InodeId replyParent;

    Builder step(InodeId where, Effect.Builder effect) {
      return step(where.partition(), effect);
    }

    Builder step(int partition, Effect.Builder effect) {
      steps.add(new Step(partition, effect.build()));
      return this;
    }

    /**
     * @param value what the row will be, for when it lives elsewhere
     */
    Builder reply(InodeId inode, @Nullable Inode value) {
      replyInode = inode;
      replyValue = value;
      return this;
    }

    Builder replyValue(Inode value) {
      replyValue = value;
      return this;
    }

    Builder parent(InodeId parent) {
      replyParent = parent;
      return this;
    }

    Plan build() {
      return new Plan(List.copyOf(steps), replyInode, replyValue, replyParent, false);
    }
  }
}

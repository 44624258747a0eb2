package io.curvefs.metaserver.partition;

import io.curvefs.proto.Inode;
import io.curvefs.proto.JournalMark;
import io.curvefs.proto.StagedBlocks;
import java.util.ArrayList;
import java.util.List;

/**
 * How far the write-back journals of mounts have come in a file. So a block of theirs is committed
 * once, whatever becomes of the answer, of the mount, and of the bytes in the file since. Pure.
 */
public final class JournalMarks {
  /** Journals that a file remembers; who has not written to it for longest is forgotten. */
  static final int MAX = 4;

  private JournalMarks() {}

  /** Whether a commit comes too late: the first of some journal's blocks is done already. */
  public static boolean areDone(List<JournalMark> marks, List<StagedBlocks> staged) {
    return staged.stream()
        .anyMatch(
            blocks -> blocks.getFirst() != 0 && blocks.getFirst() <= of(marks, blocks.getWriter()));
  }

  /** Notes that the blocks, and all before them, are part of the file or dropped. */
  static void raise(Inode.Builder inode, List<StagedBlocks> staged) {
    if (staged.isEmpty()) {
      return;
    }
    List<JournalMark> marks = new ArrayList<>(inode.getJournalMarksList());
    for (StagedBlocks blocks : staged) {
      long sequence = Math.max(blocks.getLast(), of(marks, blocks.getWriter()));
      marks.removeIf(mark -> mark.getWriter() == blocks.getWriter());
      marks.add(
          JournalMark.newBuilder().setWriter(blocks.getWriter()).setSequence(sequence).build());
    }
    inode
        .clearJournalMarks()
        .addAllJournalMarks(marks.subList(Math.max(0, marks.size() - MAX), marks.size()));
  }

  /** 0: none. */
  private static long of(List<JournalMark> marks, long writer) {
    for (JournalMark mark : marks) {
      if (mark.getWriter() == writer) {
        return mark.getSequence();
      }
    }
    return 0;
  }
}

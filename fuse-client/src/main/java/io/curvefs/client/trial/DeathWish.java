package io.curvefs.client.trial;

import io.curvefs.fault.FaultPoint;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a process is to die of itself.
 *
 * @param count when it gets there for that time, 1 or more
 */
record DeathWish(FaultPoint point, int count) {
  /** The same command, run by a process that dies there. */
  List<String> in(List<String> command) {
    List<String> armed =
        new ArrayList<>(List.of("env", FaultPoint.VARIABLE + "=" + point + ":" + count));
    armed.addAll(command);
    return armed;
  }
}

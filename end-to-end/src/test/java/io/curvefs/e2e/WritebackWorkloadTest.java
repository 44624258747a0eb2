package io.curvefs.e2e;

import org.junit.jupiter.api.TestInstance;

/** The same over a write-back journal. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WritebackWorkloadTest extends WorkloadTest {
  @Override
  String[] options() {
    return new String[] {"writeback"};
  }
}

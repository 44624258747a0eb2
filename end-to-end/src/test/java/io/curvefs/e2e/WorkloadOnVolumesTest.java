package io.curvefs.e2e;

import io.curvefs.e2e.testing.OnVolumes;
import org.junit.jupiter.api.TestInstance;

/** The same over a volume. */
@OnVolumes
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WorkloadOnVolumesTest extends WorkloadTest {}

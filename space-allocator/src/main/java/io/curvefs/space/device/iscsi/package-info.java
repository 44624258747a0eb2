/**
 * Logical units of iSCSI targets, by libiscsi.
 *
 * <p>Must not know: how lost connections are replaced.
 */
@NullMarked
package io.curvefs.space.device.iscsi;

import org.jspecify.annotations.NullMarked;

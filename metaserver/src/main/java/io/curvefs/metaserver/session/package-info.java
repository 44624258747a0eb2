/** What clients hold open at a group's leader. Volatile: clients tell a new leader again. */
@NullMarked
package io.curvefs.metaserver.session;

import org.jspecify.annotations.NullMarked;

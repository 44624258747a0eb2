/** Requests from outside: who may answer, which operation, which reply. */
@NullMarked
package io.curvefs.metaserver.service;

import org.jspecify.annotations.NullMarked;

/** Routers: which experts a token goes to, and with what weight. */
@NullMarked
package io.greenroom.gating;

import org.jspecify.annotations.NullMarked;

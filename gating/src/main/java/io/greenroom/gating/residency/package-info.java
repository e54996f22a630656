/**
 * The dial from exact to resident-only routing, what it costs, and which experts it pays to keep.
 */
@NullMarked
package io.greenroom.gating.residency;

import org.jspecify.annotations.NullMarked;

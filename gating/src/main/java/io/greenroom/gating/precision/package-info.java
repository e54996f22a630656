/**
 * Mixed precision on a miss: which of a token's experts are worth reading in full when they are not
 * in memory, which are replaced by a low-bit copy, and which are done without.
 */
@NullMarked
package io.greenroom.gating.precision;

import org.jspecify.annotations.NullMarked;

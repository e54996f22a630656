/** Models with seeded random weights, of any geometry: made on the spot, never stored. */
@NullMarked
package io.greenroom.offload.synthetic;

import org.jspecify.annotations.NullMarked;

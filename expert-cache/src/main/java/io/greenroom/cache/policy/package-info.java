/** Who leaves when a slot is needed: the eviction policies of the cache and of the simulator. */
@NullMarked
package io.greenroom.cache.policy;

import org.jspecify.annotations.NullMarked;

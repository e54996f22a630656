/** Who was used how often: counters per layer and expert. */
@NullMarked
package io.greenroom.cache.usage;

import org.jspecify.annotations.NullMarked;

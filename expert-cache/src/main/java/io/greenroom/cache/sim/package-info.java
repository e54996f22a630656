/** Replays routing traces through eviction policies: hits, bytes and stall at any budget. */
@NullMarked
package io.greenroom.cache.sim;

import org.jspecify.annotations.NullMarked;

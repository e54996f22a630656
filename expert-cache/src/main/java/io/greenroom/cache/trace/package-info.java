/**
 * Routing traces: what the routers of a model decided, step by step, in a compact file that the
 * simulator and the planner read.
 */
@NullMarked
package io.greenroom.cache.trace;

import org.jspecify.annotations.NullMarked;

/** Native memory: tagged allocations and the slot arena that is the expert budget. */
@NullMarked
package io.greenroom.offload.memory;

import org.jspecify.annotations.NullMarked;

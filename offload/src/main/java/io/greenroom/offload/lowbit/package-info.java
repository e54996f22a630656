/**
 * Low-bit copies of a model's experts, in a file of their own beside the model: how they are made,
 * checked and read.
 */
@NullMarked
package io.greenroom.offload.lowbit;

import org.jspecify.annotations.NullMarked;

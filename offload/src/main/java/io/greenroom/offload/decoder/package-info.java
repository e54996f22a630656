/** Transformer layers, KV cache, sampling, and the scheduler that serves many requests. */
@NullMarked
package io.greenroom.offload.decoder;

import org.jspecify.annotations.NullMarked;

/** Checkpoints on disk: GGUF and Hugging Face folders, and the reading of experts from them. */
@NullMarked
package io.greenroom.offload.store;

import org.jspecify.annotations.NullMarked;

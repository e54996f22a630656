/** The border to native code: kernels over weights and activations in native memory. */
@NullMarked
package io.greenroom.offload.kernel;

import org.jspecify.annotations.NullMarked;

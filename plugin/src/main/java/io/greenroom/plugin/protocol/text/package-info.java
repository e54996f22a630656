/** Text to tokens and back: tokenizers, incremental decoding, stop strings. */
@NullMarked
package io.greenroom.plugin.protocol.text;

import org.jspecify.annotations.NullMarked;

/** OpenAI and LMI requests and answers, chat templates, tokenizers. */
@NullMarked
package io.greenroom.plugin.protocol;

import org.jspecify.annotations.NullMarked;

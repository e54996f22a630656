/** Chat templates: Jinja from untrusted checkpoints, rendered as Python's Jinja would. */
@NullMarked
package io.greenroom.plugin.protocol.template;

import org.jspecify.annotations.NullMarked;

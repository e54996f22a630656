/** The plugin put together. */
@NullMarked
package io.greenroom.plugin;

import org.jspecify.annotations.NullMarked;

/** The embedded host: a small server that runs the plugin as DJL Serving would. */
@NullMarked
package io.greenroom.plugin.host;

import org.jspecify.annotations.NullMarked;

/** The command line. */
@NullMarked
package io.greenroom.plugin.cli;

import org.jspecify.annotations.NullMarked;

/** The request handlers the server calls. */
@NullMarked
package io.greenroom.plugin.http;

import org.jspecify.annotations.NullMarked;

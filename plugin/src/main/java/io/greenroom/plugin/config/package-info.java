/** What the operator may set, checked all at once. */
@NullMarked
package io.greenroom.plugin.config;

import org.jspecify.annotations.NullMarked;

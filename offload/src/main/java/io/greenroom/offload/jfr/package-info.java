/** What the experts do, as events of the JDK's flight recorder. */
@NullMarked
package io.greenroom.offload.jfr;

import org.jspecify.annotations.NullMarked;

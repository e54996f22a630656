/** Which experts have lately been in demand: what one replica tells the next. */
@NullMarked
package io.greenroom.cache.heat;

import org.jspecify.annotations.NullMarked;

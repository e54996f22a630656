/** The vocabulary of expert paging and the cache of resident experts under a hard memory budget. */
@NullMarked
package io.greenroom.cache;

import org.jspecify.annotations.NullMarked;

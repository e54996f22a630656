/**
 * Warm start: what was hot in one replica is kept, and read by the next before it serves. Counts
 * only; nothing of prompts or answers ever comes here.
 */
@NullMarked
package io.greenroom.plugin.heat;

import org.jspecify.annotations.NullMarked;

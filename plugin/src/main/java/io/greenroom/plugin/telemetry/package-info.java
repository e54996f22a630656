/**
 * What the experts do, told to others: usage records at intervals, and the sinks they go to. Counts
 * only; nothing of prompts or answers ever comes here.
 */
@NullMarked
package io.greenroom.plugin.telemetry;

import org.jspecify.annotations.NullMarked;

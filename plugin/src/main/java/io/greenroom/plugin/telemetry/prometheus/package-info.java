/**
 * Series for Prometheus, made when somebody asks for them: from counters and meters that are kept
 * anyway, in the registry of the server's own metrics library.
 */
@NullMarked
package io.greenroom.plugin.telemetry.prometheus;

import org.jspecify.annotations.NullMarked;

/**
 * Usage records on a Kafka topic. Whatever a broker does or fails to do stays on threads of its
 * own.
 */
@NullMarked
package io.greenroom.plugin.telemetry.kafka;

import org.jspecify.annotations.NullMarked;

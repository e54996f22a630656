/**
 * What all replicas do together: a Kafka Streams application that turns their usage records into
 * windows per model, and into one heat record per checkpoint.
 */
@NullMarked
package io.greenroom.fleet;

import org.jspecify.annotations.NullMarked;

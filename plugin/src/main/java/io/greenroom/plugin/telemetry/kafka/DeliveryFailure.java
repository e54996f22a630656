package io.greenroom.plugin.telemetry.kafka;

import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TimeoutException;

/** Says what a failed delivery means to an operator. */
final class DeliveryFailure {

    /** Of a client that has never heard from a broker, the metadata are as old as 1970. */
    private static final double NEVER_SECONDS = 1e9;

    private DeliveryFailure() {}

    /**
     * @param hasMetadata whether a broker has ever said which topics there are
     */
    static String explain(Exception error, String topic, boolean hasMetadata) {
        String message = String.valueOf(error.getMessage());
        if (error instanceof TimeoutException && message.contains("not present in metadata")) {
            return hasMetadata
                    ? "the brokers have no topic "
                            + topic
                            + "; create it, or set greenroom.kafka.topic-create=true"
                    : "no broker answers";
        }
        if (error instanceof BufferExhaustedException) {
            return "the producer's buffer is full of what no broker takes: " + message;
        }
        if (error instanceof TimeoutException) {
            return "no broker took it in time: " + message;
        }
        if (error instanceof RecordTooLargeException) {
            return "the record is too large; raise max.message.bytes of the topic, or"
                    + " greenroom.kafka.client.max.request.size, or lower greenroom.kafka.interval: "
                    + message;
        }
        if (error instanceof AuthorizationException) {
            return "not allowed; it takes WRITE on topic " + topic + ": " + message;
        }
        if (error instanceof AuthenticationException) {
            return "the brokers do not accept who we say we are; see greenroom.kafka.client.sasl...: "
                    + message;
        }
        return error.getClass().getSimpleName() + ": " + message;
    }

    static boolean hasMetadata(Producer<byte[], byte[]> producer) {
        return producer.metrics().values().stream()
                .filter(metric -> metric.metricName().name().equals("metadata-age"))
                .map(metric -> metric.metricValue())
                .anyMatch(age -> age instanceof Double seconds && seconds < NEVER_SECONDS);
    }
}

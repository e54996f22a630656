package io.greenroom.plugin.telemetry.kafka;

/** A record could not be handed to Kafka's client. Its message holds nothing secret. */
final class KafkaSinkException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    KafkaSinkException(String message) {
        super(message);
    }

    /** What happened every few seconds needs no stack trace each time. */
    @Override
    public synchronized Throwable fillInStackTrace() {
        return this;
    }

    @Override
    public String toString() {
        return "Kafka: " + getMessage();
    }
}

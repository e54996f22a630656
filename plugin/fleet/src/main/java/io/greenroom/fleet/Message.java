package io.greenroom.fleet;

/** What came from the usage topic. */
sealed interface Message {

    /**
     * A record to be counted.
     *
     * @param bytes as it came
     */
    record Good(Usage usage, byte[] bytes) implements Message {}

    /**
     * Something else.
     *
     * @param bytes as it came
     * @param reason why it is not counted
     */
    record Rejected(byte[] bytes, String reason) implements Message {}
}

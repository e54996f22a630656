package io.greenroom.plugin.host;

/**
 * What the embedded host may be told. Its limits are those of DJL Serving's defaults, so that a
 * client meets the same walls in both.
 *
 * @param address name or IP address to listen on
 * @param port TCP port; 0 lets the system choose one
 * @param maxRequestBytes longest request body; longer ones get 413
 * @param slowClientBytes answer bytes that may wait for a client which does not read them; beyond
 *     that its connection is closed
 * @param jobQueueSize requests that may wait for a model's worker, unless its serving.properties
 *     say otherwise
 */
public record HostSettings(
        String address, int port, int maxRequestBytes, int slowClientBytes, int jobQueueSize) {

    private static final int MIB = 1024 * 1024;

    public HostSettings {
        if (port < 0 || port > 65535) {
            throw new IllegalArgumentException("port is " + port + ", expected 0 to 65535");
        }
        if (maxRequestBytes < 1 || slowClientBytes < 1 || jobQueueSize < 1) {
            throw new IllegalArgumentException("limits of the host must be at least 1");
        }
    }

    /** Loopback only, with the server's own limits. */
    public static HostSettings onPort(int port) {
        return new HostSettings("127.0.0.1", port, 64 * MIB, 4 * MIB, 1000);
    }

    /** The same limits on another address. */
    public HostSettings withAddress(String other) {
        return new HostSettings(other, port, maxRequestBytes, slowClientBytes, jobQueueSize);
    }
}

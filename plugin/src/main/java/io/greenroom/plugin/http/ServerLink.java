package io.greenroom.plugin.http;

import jakarta.inject.Singleton;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The server the plugin is connected to, once it is known. Thread-safe. */
@Singleton
public final class ServerLink {

    private volatile @Nullable ServerBridge bridge;

    /** Empty until the plugin is connected. */
    public Optional<ServerBridge> bridge() {
        return Optional.ofNullable(bridge);
    }

    void connect(ServerBridge server) {
        bridge = server;
    }
}

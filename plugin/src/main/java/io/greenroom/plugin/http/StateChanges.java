package io.greenroom.plugin.http;

import io.greenroom.plugin.config.PluginSettings;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Optional;

/**
 * Which callers may change state: those on a management address of its own, and on the loopback
 * interface; on an address that also serves inference others may only if a setting says so.
 */
@Singleton
final class StateChanges {

    private final boolean fromAnywhere;

    @Inject
    StateChanges(PluginSettings settings) {
        this.fromAnywhere = settings.remoteManagement();
    }

    /**
     * Why a caller may not.
     *
     * @param address of the server, to which the caller is connected
     * @return empty if it may
     */
    Optional<String> refusal(ServerBridge server, SocketAddress address) {
        if (fromAnywhere || !server.servesInference(address) || !isNetwork(address)) {
            return Optional.empty();
        }
        return Optional.of(
                "Budgets are changed on the management address. This address also serves inference:"
                        + " give the server a management address of its own, call it over the"
                        + " loopback interface, or set greenroom.remote-management=true");
    }

    /** Whether other machines may reach this address. */
    private static boolean isNetwork(SocketAddress address) {
        if (!(address instanceof InetSocketAddress inet)) {
            return false;
        }
        InetAddress ip = inet.getAddress();
        return ip == null || !ip.isLoopbackAddress();
    }
}

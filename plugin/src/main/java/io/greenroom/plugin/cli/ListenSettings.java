package io.greenroom.plugin.cli;

import io.greenroom.plugin.host.HostSettings;
import picocli.CommandLine.Option;

/** Where the embedded host listens. */
final class ListenSettings {

    @Option(
            names = {"-p", "--port"},
            paramLabel = "PORT",
            defaultValue = "8080",
            description = "TCP port; 0 lets the system choose (default: ${DEFAULT-VALUE}).")
    private int port;

    @Option(
            names = "--address",
            paramLabel = "ADDRESS",
            defaultValue = "127.0.0.1",
            description =
                    "Address to listen on (default: ${DEFAULT-VALUE}). There is no login: who"
                            + " reaches another address can also load and unload models.")
    private String address = "127.0.0.1";

    HostSettings settings() {
        return HostSettings.onPort(port).withAddress(address);
    }
}

package io.greenroom.plugin.config;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** The name of this machine or container. */
public final class HostName {

    private HostName() {}

    /** {@code HOSTNAME}, as containers set it, else what the system says, else "unknown". */
    public static String local() {
        String name = System.getenv("HOSTNAME");
        if (name != null && !name.isBlank()) {
            return name.trim();
        }
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "unknown";
        }
    }
}

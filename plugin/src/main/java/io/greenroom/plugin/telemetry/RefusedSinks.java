package io.greenroom.plugin.telemetry;

import jakarta.inject.Singleton;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Sinks that operators named and that could not be added, for the state of the sinks. */
@Singleton
public final class RefusedSinks {

    private final List<SinkStatus> statuses = new CopyOnWriteArrayList<>();

    /**
     * A sink is left out.
     *
     * @param className as the operator's jar names it
     * @param reason one line
     */
    public void add(String className, String reason) {
        statuses.add(new SinkStatus(className, "not added: " + reason, 0, 0, 0, 0, null));
    }

    List<SinkStatus> statuses() {
        return List.copyOf(statuses);
    }
}

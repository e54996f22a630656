package io.greenroom.plugin.http;

import io.greenroom.plugin.telemetry.UsageReporter;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The open pages. While there is one, a frame is computed every second, on a thread of its own, and
 * shared by all; while there is none, nothing is. Thread-safe.
 */
@Singleton
public final class EventStreams implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(EventStreams.class);

    /** More pages than this are no audience but a mistake. */
    static final int MOST = 64;

    private static final byte[] NO_NEWS = ": no news\n\n".getBytes(StandardCharsets.UTF_8);

    private final LiveView view; // used on the pulse's thread only
    private final Pulse pulse;
    private final Set<EventClient> open = new LinkedHashSet<>(); // guarded by this
    private boolean closed; // guarded by this
    private @Nullable LiveFrame latest; // used on the pulse's thread only
    private int failures;

    @Inject
    EventStreams(ServerLink link, UsageReporter telemetry) {
        this(
                new LiveView(
                        () -> link.bridge().map(ServerBridge::models).orElse(List.of()),
                        telemetry::sinks,
                        Clock.systemUTC(),
                        System::nanoTime),
                Pulse.everySecond());
    }

    EventStreams(LiveView view, Pulse pulse) {
        this.view = view;
        this.pulse = pulse;
    }

    /**
     * Takes a place for another page.
     *
     * @return whether there was one
     */
    synchronized boolean join(EventClient client) {
        if (closed || open.size() >= MOST) {
            return false;
        }
        open.add(client);
        if (open.size() == 1) {
            pulse.start(this::tick);
        }
        client.whenGone(() -> leave(client));
        return true;
    }

    /** Begins to send to a page that has joined, whose answer has begun. */
    void begin(EventClient client) {
        client.ready();
        pulse.soon(() -> first(client));
    }

    /** Gives up a place. */
    synchronized void leave(EventClient client) {
        if (open.remove(client) && open.isEmpty()) {
            pulse.stop();
            pulse.soon(this::rest);
        }
    }

    /** Pages that are open. */
    synchronized int pages() {
        return open.size();
    }

    /** The first page waits for no tick; another one gets what the others have. */
    private void first(EventClient client) {
        if (!client.lacksFrame()) {
            return; // a second passed before this was run, and brought one
        }
        LiveFrame frame = latest == null ? compute() : latest;
        latest = frame;
        offer(client, frame);
    }

    private void tick() {
        LiveFrame frame = compute();
        latest = frame;
        List<EventClient> clients;
        synchronized (this) {
            clients = List.copyOf(open);
        }
        for (EventClient client : clients) {
            offer(client, frame);
        }
    }

    private static void offer(EventClient client, @Nullable LiveFrame frame) {
        if (frame == null) {
            client.offer(NO_NEWS);
        } else {
            client.offer(frame);
        }
    }

    /** Null if that failed, which the next second may mend. */
    private @Nullable LiveFrame compute() {
        try {
            return view.next();
        } catch (RuntimeException | Error e) {
            int count = ++failures;
            if ((count & (count - 1)) == 0) {
                logger.warn("The dashboard has no news ({} times so far)", count, e);
            }
            return null;
        }
    }

    private void rest() {
        synchronized (this) {
            if (!open.isEmpty()) {
                return; // somebody came meanwhile
            }
        }
        latest = null;
        view.forget();
    }

    /** Ends all streams and takes no more. Closing twice is harmless. */
    @Override
    public void close() {
        List<EventClient> clients;
        synchronized (this) {
            closed = true;
            clients = List.copyOf(open);
            open.clear();
        }
        clients.forEach(EventClient::end);
        pulse.close();
    }
}

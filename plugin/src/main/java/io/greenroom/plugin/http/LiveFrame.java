package io.greenroom.plugin.http;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * One second's news for all pages, as server-sent events; each form is written when the first page
 * needs it, and then shared. Used by one thread at a time.
 */
final class LiveFrame {

    private final ModelReading.All readings;
    private final boolean whole;
    private byte @Nullable [] snapshot;
    private byte @Nullable [] update;

    /**
     * @param whole whether what changed makes no sense without the rest: other models are loaded
     */
    LiveFrame(ModelReading.All readings, boolean whole) {
        this.readings = readings;
        this.whole = whole;
    }

    /** Everything, for a page that has nothing yet or missed something. */
    byte[] snapshot() {
        if (snapshot == null) {
            snapshot = event("snapshot", LiveJson.snapshot(readings));
        }
        return snapshot;
    }

    /** What changed since the frame before, for a page that has it. */
    byte[] update() {
        if (whole) {
            return snapshot();
        }
        if (update == null) {
            update = event("update", LiveJson.update(readings));
        }
        return update;
    }

    /** An event; the data is one line. */
    static byte[] event(String name, String data) {
        return ("event: " + name + "\ndata: " + data + "\n\n").getBytes(StandardCharsets.UTF_8);
    }
}

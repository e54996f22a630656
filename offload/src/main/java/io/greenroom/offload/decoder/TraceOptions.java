package io.greenroom.offload.decoder;

import io.greenroom.cache.ByteSize;
import java.nio.file.Path;

/**
 * Whether and where the routing of a model is recorded.
 *
 * @param file the trace; relative to the folder of the checkpoint. If it holds something already, a
 *     number is put into the name, so that no trace is ever overwritten
 * @param limit most bytes of the file; recording stops there
 * @param topSet experts recorded for a token and layer; 0 for twice as many as a token is routed to
 */
public record TraceOptions(Path file, ByteSize limit, int topSet) {

    /** What a trace may take unless it is told otherwise. */
    public static final ByteSize DEFAULT_LIMIT = new ByteSize(256 << 20);

    public TraceOptions {
        if (topSet < 0) {
            throw new IllegalArgumentException(
                    "The recorded experts per token are " + topSet + "; they must be at least 0");
        }
    }
}

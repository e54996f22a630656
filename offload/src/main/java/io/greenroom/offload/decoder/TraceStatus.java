package io.greenroom.offload.decoder;

import java.nio.file.Path;

/**
 * What recording has come to.
 *
 * @param file the trace
 * @param state what it is doing
 * @param steps steps recorded
 * @param dropped steps left out: recording was behind, they had too many rows to keep, or a request
 *     of theirs failed on the way
 * @param bytes bytes in the file; steps not yet packed are not in it
 * @param limitBytes most bytes of the file
 */
public record TraceStatus(
        Path file, State state, long steps, long dropped, long bytes, long limitBytes) {

    /** What the recorder is doing. */
    public enum State {
        RECORDING,
        /** The file has reached its limit. */
        FULL,
        /** The file could not be written; the log says why. */
        FAILED,
        /** The model is unloaded. */
        CLOSED
    }
}

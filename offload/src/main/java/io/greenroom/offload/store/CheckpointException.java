package io.greenroom.offload.store;

import java.io.IOException;
import java.nio.file.Path;

/** A checkpoint is damaged or not supported. The message names file, field, value and remedy. */
public final class CheckpointException extends IOException {

    private static final long serialVersionUID = 1L;

    public CheckpointException(Path file, String problem) {
        super(file + ": " + problem);
    }

    public CheckpointException(Path file, String problem, Throwable cause) {
        super(file + ": " + problem, cause);
    }
}

package io.greenroom.offload.store;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Collects what is wrong with a checkpoint, so that all of it is reported at once. */
final class Problems {

    /** More would not be read; a damaged index can miss thousands of tensors. */
    private static final int SHOWN = 20;

    private final Path file;
    private final List<String> shown = new ArrayList<>();
    private int count;

    Problems(Path file) {
        this.file = file;
    }

    void add(String problem) {
        count++;
        if (shown.size() < SHOWN) {
            shown.add(problem);
        }
    }

    /** Whether looking further is a waste of time. */
    boolean enough() {
        return count >= 10 * SHOWN;
    }

    boolean any() {
        return count > 0;
    }

    void throwIfAny() throws CheckpointException {
        if (count == 1) {
            throw new CheckpointException(file, shown.get(0));
        }
        if (count > 1) {
            String more = count > SHOWN ? "\n  - and " + (count - SHOWN) + " more" : "";
            throw new CheckpointException(
                    file, count + " problems:\n  - " + String.join("\n  - ", shown) + more);
        }
    }
}

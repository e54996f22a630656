package io.greenroom.offload.store;

import io.greenroom.cache.ExpertId;
import java.nio.file.Path;

/** Where the routed experts of a model lie on disk. Immutable and thread-safe. */
public interface ExpertSource {

    /** The file or folder that was opened. */
    Path location();

    ModelSpec spec();

    /**
     * A routed expert. All experts of a source have matrices of the same shapes; types may differ
     * from layer to layer.
     *
     * @throws IllegalArgumentException if the model has no such expert
     */
    ExpertSpans expert(ExpertId id);
}

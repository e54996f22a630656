package io.greenroom.offload.store;

import io.greenroom.cache.ExpertId;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;

/**
 * A checked checkpoint of either format.
 *
 * @param dense dense tensors by canonical name
 * @param experts by layer, then expert; an empty array for layers without experts
 */
record LoadedCheckpoint(
        Path location,
        ModelSpec spec,
        Map<String, TensorSpan> dense,
        ExpertSpans[][] experts,
        TokenizerFiles tokenizer)
        implements Checkpoint {

    @Override
    public Collection<TensorSpan> tensors() {
        return dense.values();
    }

    @Override
    public Optional<TensorSpan> tensor(String name) {
        return Optional.ofNullable(dense.get(name));
    }

    @Override
    public ExpertSpans expert(ExpertId id) {
        if (id.layer() >= experts.length || id.expert() >= experts[id.layer()].length) {
            throw new IllegalArgumentException("No expert " + id + " in " + location);
        }
        return experts[id.layer()][id.expert()];
    }

    @Override
    public String toString() {
        return spec.family() + " checkpoint " + location;
    }
}

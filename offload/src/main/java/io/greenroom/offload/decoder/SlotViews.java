package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertId;
import io.greenroom.offload.store.ExpertWeights;
import io.greenroom.offload.store.ModelSpec;
import org.jspecify.annotations.Nullable;

/**
 * Remembers each expert's view of its slot, so that a resident expert is looked up and not
 * described anew for every token. Used by one thread.
 */
final class SlotViews implements ExpertStage.Slots {

    private final ExpertStage.Slots slots;
    private final int expertsPerLayer;
    private final @Nullable View[] views; // [layers * experts]

    SlotViews(ExpertStage.Slots slots, ModelSpec spec) {
        this.slots = slots;
        this.expertsPerLayer = spec.experts();
        this.views = new View[spec.layers() * spec.experts()];
    }

    private record View(int slot, ExpertWeights weights) {}

    @Override
    public ExpertWeights weights(ExpertId id, int slot) {
        int index = id.layer() * expertsPerLayer + id.expert();
        View view = views[index];
        if (view == null || view.slot() != slot) {
            view = new View(slot, slots.weights(id, slot));
            views[index] = view;
        }
        return view.weights();
    }
}

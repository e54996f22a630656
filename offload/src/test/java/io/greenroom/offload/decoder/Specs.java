package io.greenroom.offload.decoder;

import io.greenroom.offload.store.ModelSpec;

/** Hyper-parameters for tests that need no weights. */
final class Specs {

    private Specs() {}

    /** Three layers, the first dense, eight experts, two per token. */
    static ModelSpec tiny() {
        return new ModelSpec(
                ModelSpec.Family.QWEN2_MOE,
                3,
                32,
                64,
                4,
                2,
                8,
                128,
                1e-6f,
                10_000,
                ModelSpec.RopeLayout.HALVES,
                Float.POSITIVE_INFINITY,
                8,
                2,
                16,
                false,
                0,
                new boolean[] {false, true, true},
                48);
    }
}

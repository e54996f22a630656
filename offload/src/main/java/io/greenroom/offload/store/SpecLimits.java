package io.greenroom.offload.store;

/**
 * Ranges of hyper-parameters that any format may declare: generous beyond every published model,
 * small enough that products of two fit an int.
 */
final class SpecLimits {

    static final int LAYERS = 1024;
    static final int WIDTH = 1 << 20;
    static final int VOCABULARY = 1 << 24;
    static final int HEADS = 1024;
    static final int HEAD_DIM = 1024;
    static final int CONTEXT = 1 << 27;
    static final int EXPERTS = 1 << 14;
    static final double ROPE_THETA = 1e12;

    private SpecLimits() {}

    /** Adds what is wrong between values that are each in range. */
    static void checkTogether(ModelSpec spec, Problems problems) {
        if (spec.heads() % spec.kvHeads() != 0) {
            problems.add(
                    spec.heads()
                            + " attention heads cannot share "
                            + spec.kvHeads()
                            + " key and value heads; expected a divisor");
        }
        if (spec.headDim() % 2 != 0) {
            problems.add(
                    "a head is "
                            + spec.headDim()
                            + " wide; expected an even number, rotary embedding turns pairs");
        }
        if (spec.expertsPerToken() > spec.experts()) {
            problems.add(
                    "each token is routed to "
                            + spec.expertsPerToken()
                            + " experts, but there are "
                            + spec.experts());
        }
    }
}

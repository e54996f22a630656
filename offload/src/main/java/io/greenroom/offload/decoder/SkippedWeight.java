package io.greenroom.offload.decoder;

/** What becomes of the router's weight of an expert that is done without. */
public enum SkippedWeight {
    /** It is lost: the layer adds a little less. */
    DROP,
    /** The token's other experts share it, in proportion to their own. */
    SPREAD
}

package io.greenroom.cache;

/** Why an expert is read: what the router has chosen goes before what a predictor guesses. */
public enum LoadPriority {
    /** A token waits for these bytes. */
    DEMAND,
    /** A prediction; may be late or wrong, and is never allowed to delay demand. */
    PREFETCH,
    /** Nobody waits for it nor foresees it: free slots are being filled. */
    BACKGROUND
}

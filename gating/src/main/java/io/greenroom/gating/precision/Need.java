package io.greenroom.gating.precision;

/** How much a token needs an expert it was routed to; the first needs it most. */
public enum Need {
    /** The expert itself, read if it is not in memory. */
    FULL,
    /** The expert itself if it is in memory, else its copy, read if need be. */
    COPY,
    /** Whatever of the two is in memory, or nothing. */
    IF_RESIDENT
}

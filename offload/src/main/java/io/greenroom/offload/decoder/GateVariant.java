package io.greenroom.offload.decoder;

import java.util.Locale;

/**
 * Ways to guess the gate input of a layer ahead, to which that layer's own router is then applied.
 * All begin with the residual stream {@code x} before this layer's experts are added; the gate
 * input of layer l is {@code norm_l(x)}.
 *
 * <p>Before the first layer the stream is the token's embedding, nothing was computed yet, and only
 * the first layer's norm is there to be used.
 */
public enum GateVariant {
    PLAIN(Norm.OWN, Base.STREAM, false, false, false, "this layer's gate input as it is"),
    NORM(
            Norm.NEXT,
            Base.STREAM,
            false,
            false,
            false,
            "the next layer's norm instead of this one's"),
    SHARED(Norm.OWN, Base.SHARED, false, false, false, "the shared expert's output added"),
    RESIDENT(
            Norm.OWN,
            Base.RESIDENT,
            false,
            false,
            false,
            "outputs of the shared and of those routed experts added that are resident"),
    MEAN(Norm.OWN, Base.STREAM, true, false, false, "the mean change of the stream added"),
    DRIFT(Norm.OWN, Base.STREAM, false, true, false, "plain, less its mean error of late"),
    NORM_RESIDENT(Norm.NEXT, Base.RESIDENT, false, false, false, "norm and resident"),
    NORM_MEAN(Norm.NEXT, Base.STREAM, true, false, false, "norm and mean"),
    NORM_DRIFT(Norm.NEXT, Base.STREAM, false, true, false, "norm and drift"),
    RESIDENT_DRIFT(Norm.OWN, Base.RESIDENT, false, true, false, "resident and drift"),
    NORM_RESIDENT_MEAN(Norm.NEXT, Base.RESIDENT, true, false, false, "norm, resident and mean"),
    NORM_RESIDENT_DRIFT(Norm.NEXT, Base.RESIDENT, false, true, false, "norm, resident and drift"),
    MEMORY(
            Norm.OWN,
            Base.STREAM,
            false,
            false,
            true,
            "plain, in favour of what the layer chose for the same token before"),
    NORM_DRIFT_MEMORY(Norm.NEXT, Base.STREAM, false, true, true, "norm, drift and memory"),
    NORM_RESIDENT_DRIFT_MEMORY(
            Norm.NEXT, Base.RESIDENT, false, true, true, "norm, resident, drift and memory"),
    NORM_ALL(
            Norm.NEXT,
            Base.ALL,
            false,
            false,
            false,
            "norm and all experts' outputs: too late to be of use, but what attention alone hides"),
    NORM_ALL_DRIFT(Norm.NEXT, Base.ALL, false, true, false, "the same and drift");

    /** Whose norm is applied. */
    enum Norm {
        OWN,
        NEXT
    }

    /** What of this layer's output is already added to the stream. */
    enum Base {
        /** Nothing: known before any expert is computed. */
        STREAM,
        /** The shared expert. */
        SHARED,
        /** The shared expert and the routed ones that need no reading. */
        RESIDENT,
        /** Everything. */
        ALL
    }

    private final Norm norm;
    private final Base base;
    private final boolean mean;
    private final boolean drift;
    private final boolean memory;
    private final String what;

    GateVariant(Norm norm, Base base, boolean mean, boolean drift, boolean memory, String what) {
        this.norm = norm;
        this.base = base;
        this.mean = mean;
        this.drift = drift;
        this.memory = memory;
        this.what = what;
    }

    Norm norm() {
        return norm;
    }

    Base base() {
        return base;
    }

    /** Whether the mean change from there to the gate ahead, from a calibration run, is added. */
    boolean mean() {
        return mean;
    }

    /** Whether the logits' mean error of late is taken off. */
    boolean drift() {
        return drift;
    }

    /** Whether experts count more that the layer chose when it last read the same token. */
    boolean memory() {
        return memory;
    }

    /** What it does, for people. */
    public String what() {
        return what;
    }

    /** As it is typed: {@code norm+mean}. */
    public String spelled() {
        return name().toLowerCase(Locale.ROOT).replace('_', '+');
    }
}

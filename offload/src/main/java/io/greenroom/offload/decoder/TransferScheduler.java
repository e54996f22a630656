package io.greenroom.offload.decoder;

import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertCache;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.gating.predict.ExpertPredictor;
import io.greenroom.gating.predict.GuessCorrection;
import io.greenroom.gating.predict.PredictionStats;
import io.greenroom.gating.predict.PrefetchAudit;
import io.greenroom.gating.predict.PrefetchHint;
import io.greenroom.gating.predict.PrefetchPlan;
import io.greenroom.gating.predict.PrefetchWidth;
import io.greenroom.gating.predict.PromptPredictor;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.store.LinkUse;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides what is read ahead, and when nothing is: hints for the layer after the one being computed
 * go to the cache once that layer's own reads are on their way, as many as fit into the time in
 * which the link would idle. Hints decide what is read early and nothing else, so they cannot show
 * in the output.
 *
 * <pre>
 * in a step    stepBegins   first hints: the first router applied to the embeddings
 *   per layer  routed       what was foreseen is compared with what the gate says; the link's idle
 *                           time before this layer is measured
 *              afterDemand  guesses for this layer that wait are called off; hints for the next one
 *              demandDone   the same for a prompt, whose experts are asked for little by little
 *              stepDone     the audit hears what the step cost
 * </pre>
 *
 * <p>Nothing is predicted, so nothing computed, while nothing would fit, while the audit says no,
 * and when all experts are resident. Of a prompt's chunk, which needs most experts anyway, the most
 * popular are read ahead, without a prediction.
 *
 * <p>Used by the scheduler's thread; {@link #status} by any.
 */
final class TransferScheduler {

    /** The idle time has grown so much that an audit's old answer no longer holds. */
    private static final double OTHER_CONDITIONS = 2;

    private final Routers routers;
    private final ExpertPredictor predictor;
    private final ExpertCache cache;
    private final Kernels kernels;
    private final Buffers buffers;
    private final Link link;
    private final Limits limits;
    private final @Nullable PrefetchAudit audit;
    private final PredictionStats recall;
    private final PromptPredictor prompts;
    private final PrefetchWidth decoding;
    private final PrefetchWidth prompting;
    private final float[] logits; // [most rows predicted, experts]
    private final boolean[] hinted; // [layers], guesses may be waiting

    // of this step
    private boolean prefetching;
    private boolean prompt;
    private boolean renewing; // all rows are of requests that the resident set is renewed for
    private int rows;
    private long begun;
    private long mayRead; // guess bytes on the link's meter at which no more are begun
    private CacheStats before;
    private int predictedLayer = -1;
    private int predictedRows;
    private int[] tokens = {};
    private @Nullable GuessCorrection correction;

    // since the layer before asked
    private long askedAt;
    private LinkUse askedUse = LinkUse.NONE;

    private double fitsWhenRefused;
    private @Nullable RoutingObserver told;
    private volatile boolean allResident;
    private volatile boolean fitting;

    /**
     * The routers that predict.
     *
     * @param byLayer router of each layer, {@code [experts, hidden]}, null where there is none
     * @param norms norm before each layer's router, {@code [1, hidden]}, null where there is none
     * @param epsilon of the norms
     */
    record Routers(
            @Nullable WeightMatrix[] byLayer, @Nullable Activations[] norms, float epsilon) {}

    /**
     * Scratch.
     *
     * @param predicted {@code [most rows predicted, experts]}
     * @param normed {@code [rows, hidden]}, free before the first layer, and from a gate's decision
     *     to the first expert computed
     */
    record Buffers(Activations predicted, Activations normed) {}

    /**
     * The way to the experts' files.
     *
     * @param use what it has been doing
     * @param clock nanoseconds, the same that {@code use} counts
     * @param expertBytes bytes of an expert of each layer, {@code [layers]}
     */
    record Link(Supplier<LinkUse> use, LongSupplier clock, long[] expertBytes) {}

    /**
     * @param hints most hints for one layer
     * @param alwaysHints fewest hints for one layer when there is no audit
     * @param totalExperts routed experts of the model
     */
    record Limits(int hints, int alwaysHints, int totalExperts) {}

    /**
     * @param audit switches prefetch off while it does not pay, or null to leave it on
     */
    TransferScheduler(
            Routers routers,
            ExpertPredictor predictor,
            ExpertCache cache,
            Kernels kernels,
            Buffers buffers,
            Link link,
            Limits limits,
            @Nullable PrefetchAudit audit) {
        int layers = routers.byLayer().length;
        int experts = buffers.predicted().cols();
        this.routers = routers;
        this.predictor = predictor;
        this.cache = cache;
        this.kernels = kernels;
        this.buffers = buffers;
        this.link = link;
        this.limits = limits;
        this.audit = audit;
        this.recall = new PredictionStats(layers, experts);
        this.prompts = new PromptPredictor(layers, experts);
        this.decoding = new PrefetchWidth(layers);
        this.prompting = new PrefetchWidth(layers);
        this.logits = new float[buffers.predicted().rows() * experts];
        this.hinted = new boolean[layers];
        this.before = cache.stats();
    }

    /** From now on, what puts guesses right before they are used. */
    void correct(GuessCorrection corrects) {
        correction = corrects;
    }

    /** From now on, who is told each prediction; then all are made, needed or not. */
    void tell(RoutingObserver observer) {
        told = observer;
    }

    /**
     * A step begins.
     *
     * @param x embeddings, {@code [rows, hidden]}
     */
    void stepBegins(Batch batch, Activations x) {
        rows = batch.rows();
        prompt = rows > batch.sequenceCount() || rows > buffers.predicted().rows();
        begun = link.clock().getAsLong();
        mark();
        before = cache.stats();
        allResident = before.loads() - before.evictions() >= limits.totalExperts();
        fitting = fits();
        // What such requests lack is not read for them; exchanges in the background have the link.
        renewing = !prompt && batch.isRenewingThroughout();
        prefetching =
                !allResident && fitting && !renewing && (prompt || audit == null || audit.next());
        mayRead = askedUse.guessBytes() + guessBytes();
        predictedLayer = -1;
        tokens = batch.tokens();
        if (foresees(0)) {
            foresee(0, x);
        }
    }

    /**
     * The gate has spoken; guesses learn from what it said.
     *
     * @param said {@code [rows, experts]} row-major, the router's own logits
     */
    void routed(int layer, Batch batch, float[] said, RoutingDecision decision) {
        if (correction != null) {
            correction.learn(layer, said, decision, batch.tokens());
        }
        routed(layer, decision);
    }

    /** The gate has spoken. */
    void routed(int layer, RoutingDecision decision) {
        if (predictedLayer == layer && predictedRows == decision.tokens()) {
            recall.record(layer, logits, decision);
        }
        predictedLayer = -1;
        prompts.routed(layer, decision);
        long now = link.clock().getAsLong();
        LinkUse use = link.use().get();
        LinkUse since = use.since(askedUse);
        PrefetchWidth widths = widths();
        widths.asked(layer, now - askedAt, since.demandNanos());
        widths.carried(
                since.demandBytes() + since.guessBytes(), since.demandNanos() + since.guessNanos());
        askedAt = now;
        askedUse = use;
    }

    /**
     * This layer's own experts are resident or on their way.
     *
     * @param x residual stream as it was at the gate of {@code layer}, {@code [rows, hidden]}
     */
    void afterDemand(int layer, Activations x, int inputRows) {
        if (hinted[layer]) {
            hinted[layer] = false;
            cache.expireHints(layer);
        }
        int next = layer + 1;
        if (inputRows == rows && next < routers.byLayer().length && foresees(next)) {
            foresee(next, x);
        }
    }

    /** This layer's experts were computed. */
    void demandDone(int layer) {
        if (!prompt) {
            return;
        }
        mark();
        int next = layer + 1;
        if (next < routers.byLayer().length && routers.byLayer()[next] != null && width(next) > 0) {
            hint(next, prompts.predict(next, rows, cache::isResident, width(next)));
        }
    }

    /** All layers are done. */
    void stepDone() {
        long elapsed = link.clock().getAsLong() - askedAt;
        widths().ended(elapsed, mark().demandNanos());
        if (audit == null || allResident || !fitting) {
            return;
        }
        if (prompt || renewing) {
            audit.interrupted();
            return;
        }
        CacheStats now = cache.stats();
        long needed =
                now.misses() - before.misses() + now.prefetchUseful() - before.prefetchUseful();
        boolean was = audit.isOn();
        audit.step(new PrefetchAudit.Step(link.clock().getAsLong() - begun, needed, rows));
        double fits = decoding.idleBytes();
        if (was && !audit.isOn()) {
            fitsWhenRefused = fits;
        } else if (!was && fits > OTHER_CONDITIONS * fitsWhenRefused) {
            fitsWhenRefused = fits;
            audit.tryAgain();
        }
    }

    /** What it is doing and why. */
    PrefetchStatus status() {
        return new PrefetchStatus(
                audit == null ? ModelOptions.Prefetch.ON : ModelOptions.Prefetch.AUTO,
                !allResident && fitting && (audit == null || audit.isOn()),
                reason(),
                decoding.idleShare(),
                Math.round(decoding.bandwidth()),
                layers());
    }

    private String reason() {
        if (allResident) {
            return "off: every expert is resident";
        }
        if (!fitting) {
            return decoding.bandwidth() == 0
                    ? "off: nothing was read yet"
                    : "off: the link is busy, nothing fits in before any layer";
        }
        return audit == null ? "on: as configured" : audit.reason();
    }

    private List<PrefetchStatus.Layer> layers() {
        List<PrefetchStatus.Layer> layers = new ArrayList<>();
        for (int layer = 0; layer < routers.byLayer().length; layer++) {
            if (routers.byLayer()[layer] != null) {
                layers.add(
                        new PrefetchStatus.Layer(
                                layer,
                                link.expertBytes()[layer],
                                decoding.fits(layer, link.expertBytes()[layer]),
                                recall.layer(layer)));
            }
        }
        return layers;
    }

    /** Whether a prediction is worth its computing; always if somebody wants to see it. */
    private boolean foresees(int layer) {
        return routers.byLayer()[layer] != null
                && (told == null
                        ? !prompt && width(layer) > 0
                        : rows <= buffers.predicted().rows());
    }

    /** The stream as it is now, under the norm and the router of the layer ahead. */
    private void foresee(int layer, Activations x) {
        WeightMatrix router = Objects.requireNonNull(routers.byLayer()[layer]);
        Activations norm = Objects.requireNonNull(routers.norms()[layer]);
        kernels.rmsNorm(x, rows, norm, routers.epsilon(), buffers.normed());
        kernels.matmul(router, buffers.normed(), rows, null, buffers.predicted());
        kernels.read(buffers.predicted(), rows, logits);
        if (correction != null) {
            correction.correct(layer, logits, rows, tokens);
        }
        if (told != null) {
            told.foreseen(layer, rows, logits);
        }
        predictedLayer = layer;
        predictedRows = rows;
        if (prompt || width(layer) == 0) {
            return;
        }
        hint(layer, predictor.predict(layer, logits, rows, cache::isResident, width(layer)));
    }

    private void hint(int layer, PrefetchPlan plan) {
        // Guesses for earlier layers were read or called off, so only these may be waiting.
        long promised = link.use().get().guessBytes();
        for (PrefetchHint hint : plan.hints()) {
            if (promised >= mayRead) {
                return;
            }
            if (cache.prefetch(hint.id())) {
                hinted[layer] = true;
                promised += link.expertBytes()[layer];
            }
        }
    }

    /** Begins a new interval; returns what the link did in the last. */
    private LinkUse mark() {
        LinkUse use = link.use().get();
        LinkUse since = use.since(askedUse);
        askedAt = link.clock().getAsLong();
        askedUse = use;
        long bytes = since.demandBytes() + since.guessBytes();
        long nanos = since.demandNanos() + since.guessNanos();
        decoding.carried(bytes, nanos);
        prompting.carried(bytes, nanos);
        return since;
    }

    private PrefetchWidth widths() {
        return prompt ? prompting : decoding;
    }

    private int width(int layer) {
        if (!prefetching) {
            return 0;
        }
        int fitting = widths().width(layer, link.expertBytes()[layer], limits.hints());
        return audit == null && !prompt ? Math.max(fitting, limits.alwaysHints()) : fitting;
    }

    /** Whether anything may be read ahead of any layer. */
    private boolean fits() {
        if (audit == null && !prompt) {
            return true;
        }
        for (int layer = 0; layer < routers.byLayer().length; layer++) {
            if (routers.byLayer()[layer] != null
                    && widths().width(layer, link.expertBytes()[layer], 1) > 0) {
                return true;
            }
        }
        return false;
    }

    /** Most bytes of guesses in one step: what the idle link carries, or what one token needs. */
    private long guessBytes() {
        long most = 0;
        for (int layer = 0; layer < routers.byLayer().length; layer++) {
            if (routers.byLayer()[layer] != null) {
                most += (long) limits.alwaysHints() * link.expertBytes()[layer];
            }
        }
        return audit == null ? most : Math.min(most, widths().idleBytes());
    }
}

package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.gating.predict.LogitDrift;
import io.greenroom.gating.predict.RecallTally;
import io.greenroom.gating.predict.RoutingForecaster;
import io.greenroom.gating.predict.TokenMemory;
import io.greenroom.offload.decoder.GateVariant.Base;
import io.greenroom.offload.decoder.GateVariant.Norm;
import io.greenroom.offload.decoder.PredictionStudy.Phase;
import io.greenroom.offload.decoder.PredictionStudy.Result;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.NativeMemory;
import io.greenroom.offload.store.ModelSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Watches one model for a {@link PredictionStudy}. Stage 0 is the embedding and stage l + 1 the
 * gate of layer l, so a prediction from stage s looks ahead a layers to layer s + a - 1. Used by
 * the scheduler's thread.
 */
final class StudyObserver implements RoutingObserver {

    private static final int ALIGNMENT = 64;

    private final PredictionStudy study;
    private final ModelSpec spec;
    private final FeedForwardWeights.@Nullable Routed[] routers; // [layers], null if dense
    private final Kernels kernels;
    private final ExpertCache cache;
    private final Scratch scratch;
    private final Activations stream; // [1, hidden]
    private final Activations normed; // [1, hidden]
    private final Activations logitsOut; // [1, experts]
    private final List<Line> lines = new ArrayList<>();
    private final RecallTally control;
    private final RoutingProfile profile;
    private final StreamMeans means;
    private final float[][][] bases; // [Base][stages][hidden] of the token under way
    private final boolean[] known; // [stages] whether the bases are this token's
    private final boolean[] resident; // [experts], when this layer asked
    private final float[] scores; // [experts]
    private final TokenMemory memory;
    private boolean watching;
    private int nextPosition;
    private int token;
    private int[] chosen = {};

    /** One predictor at one distance. */
    private final class Line {

        private final String name;
        private final int ahead;
        private final @Nullable GateVariant variant;
        private final @Nullable RoutingForecaster rival;
        private final LogitDrift[] drifts; // [layers]
        private final float[][] guess; // [layers][experts], before drift
        private final boolean[] guessed; // [layers]
        private final RecallTally tally = new RecallTally(spec.layers(), spec.experts());

        Line(
                String name,
                int ahead,
                @Nullable GateVariant variant,
                @Nullable RoutingForecaster rival) {
            this.name = name;
            this.ahead = ahead;
            this.variant = variant;
            this.rival = rival;
            this.guess = new float[spec.layers()][spec.experts()];
            this.guessed = new boolean[spec.layers()];
            this.drifts = new LogitDrift[spec.layers()];
            for (int layer = 0; layer < drifts.length; layer++) {
                drifts[layer] = new LogitDrift(spec.experts());
            }
        }

        void routed(int layer, float[] actual) {
            if (rival != null) {
                rival.foresee(layer, ahead, guess[layer]);
                guessed[layer] = true;
            }
            if (guessed[layer] && study.phase() == Phase.MEASURE) {
                System.arraycopy(guess[layer], 0, scores, 0, scores.length);
                if (variant != null && variant.drift()) {
                    drifts[layer].correct(scores, 0);
                }
                if (variant != null && variant.memory()) {
                    memory.favour(
                            layer,
                            token,
                            scores,
                            0,
                            scores.length,
                            layer == 0 ? TokenMemory.FIRST : TokenMemory.UNDECIDED);
                }
                tally.record(layer, scores, chosen, resident);
            }
            if (guessed[layer] && variant != null && variant.drift()) {
                drifts[layer].learn(guess[layer], actual, 0);
            }
            if (rival != null) {
                rival.routed(layer, chosen);
            }
            guessed[layer] = false;
        }
    }

    StudyObserver(
            PredictionStudy study,
            ModelSpec spec,
            ModelWeights weights,
            Kernels kernels,
            ExpertCache cache,
            Scratch scratch,
            NativeAllocator allocator,
            ResourceStack resources) {
        this.study = study;
        this.spec = spec;
        this.kernels = kernels;
        this.cache = cache;
        this.scratch = scratch;
        this.routers = new FeedForwardWeights.Routed[spec.layers()];
        for (int layer = 0; layer < routers.length; layer++) {
            routers[layer] =
                    weights.layers().get(layer).feedForward()
                                    instanceof FeedForwardWeights.Routed routed
                            ? routed
                            : null;
        }
        int hidden = spec.hidden();
        int experts = spec.experts();
        long floats = 2L * hidden + experts;
        NativeMemory block =
                resources.push(
                        allocator.allocate(MemoryTag.ACTIVATIONS, floats * Float.BYTES, ALIGNMENT));
        stream = new Activations(block, 0, 1, hidden);
        normed = new Activations(block, (long) hidden * Float.BYTES, 1, hidden);
        logitsOut = new Activations(block, 2L * hidden * Float.BYTES, 1, experts);
        control = new RecallTally(spec.layers(), experts);
        profile = new RoutingProfile(spec.layers(), experts);
        means = new StreamMeans(spec.layers(), study.farthest(), hidden);
        bases = new float[Base.values().length][spec.layers() + 1][hidden];
        known = new boolean[spec.layers() + 1];
        resident = new boolean[experts];
        scores = new float[experts];
        memory = new TokenMemory(spec.layers(), spec.vocabulary(), spec.expertsPerToken());
        for (int ahead = 1; ahead <= study.farthest(); ahead++) {
            addLines(ahead);
        }
    }

    private void addLines(int ahead) {
        for (GateVariant variant : GateVariant.values()) {
            // Without a shared expert, adding it is adding nothing.
            boolean same = variant.base() == Base.SHARED && spec.sharedExpertHidden() == 0;
            if (study.variants().contains(variant) && !same) {
                lines.add(new Line(variant.spelled(), ahead, variant, null));
            }
        }
        Map<String, RoutingForecaster> rivals = study.rivals(spec.layers(), spec.experts(), ahead);
        rivals.forEach((name, rival) -> lines.add(new Line(name, ahead, null, rival)));
    }

    @Override
    public void stepBegins(Batch batch, Activations x) {
        watching = batch.rows() == 1 && !batch.isYielding();
        if (!watching) {
            return;
        }
        int position = batch.positions()[0];
        boolean textBegins = position == 0 || position != nextPosition;
        nextPosition = position + 1;
        token = batch.tokens()[0];
        if (textBegins) {
            profile.textBegins();
        }
        for (Line line : lines) {
            if (line.rival != null) {
                if (textBegins) {
                    line.rival.requestBegins();
                }
                line.rival.tokenBegins(token);
            }
        }
        java.util.Arrays.fill(known, false);
        for (Base base : Base.values()) {
            kernels.read(x, 1, bases[base.ordinal()][0]);
        }
        known[0] = true;
        foreseeFrom(0);
    }

    @Override
    public void routed(
            int layer, Batch batch, Activations input, float[] logits, RoutingDecision decision) {
        if (!watching) {
            return;
        }
        chosen = decision.experts().clone();
        for (int e = 0; e < resident.length; e++) {
            resident[e] = cache.isResident(new ExpertId(layer, e));
        }
        for (Line line : lines) {
            line.routed(layer, logits);
        }
        memory.learn(layer, token, decision.experts(), 0);
        if (study.phase() == Phase.MEASURE) {
            profile.routed(layer, chosen);
        }
    }

    @Override
    public void computed(int layer, Batch batch, Activations x, float[] factors) {
        if (!watching) {
            return;
        }
        int stage = layer + 1;
        float[] now = bases[Base.STREAM.ordinal()][stage];
        kernels.read(x, 1, now);
        if (study.phase() == Phase.MEASURE) {
            if (known[stage - 1]) {
                profile.moved(layer, bases[Base.STREAM.ordinal()][stage - 1], now);
            }
            checkControl(layer, now);
        } else {
            for (int ahead = 1; ahead <= Math.min(study.farthest(), stage); ahead++) {
                for (Base base : Base.values()) {
                    if (known[stage - ahead]) {
                        float[] before = bases[base.ordinal()][stage - ahead];
                        means.add(base, stage - ahead, ahead, before, now);
                    }
                }
            }
        }
        addOutputs(layer, factors, now);
        known[stage] = true;
        foreseeFrom(stage);
    }

    List<Result> results() {
        return lines.stream()
                .map(line -> new Result(line.name, line.ahead, line.tally.layers()))
                .toList();
    }

    List<RecallTally.Layer> control() {
        return control.layers();
    }

    RoutingProfile profile() {
        return profile;
    }

    /** This layer's output is formed as far as each base has it. */
    private void addOutputs(int layer, float[] factors, float[] now) {
        stageAfter(Base.SHARED, layer, factors, now, rank -> false);
        stageAfter(Base.RESIDENT, layer, factors, now, rank -> resident[chosen[rank]]);
        stageAfter(Base.ALL, layer, factors, now, rank -> true);
    }

    private void stageAfter(
            Base base,
            int layer,
            float[] factors,
            float[] now,
            java.util.function.IntPredicate counts) {
        int k = spec.expertsPerToken();
        float[] kept = new float[k];
        for (int rank = 0; rank < k; rank++) {
            kept[rank] = counts.test(rank) ? factors[rank] : 0;
        }
        kernels.write(now, 1, stream);
        kernels.combine(stream, scratch.partial(), kept, 1, k);
        FeedForwardWeights.Routed here = routers[layer];
        if (here != null && here.shared() != null) {
            kernels.addGated(stream, scratch.projected(), scratch.sharedGate(), 1);
        }
        kernels.read(stream, 1, bases[base.ordinal()][layer + 1]);
    }

    private void checkControl(int layer, float[] now) {
        FeedForwardWeights.Routed here = routers[layer];
        if (here != null) {
            gate(now, here, here, scores);
            control.record(layer, scores, chosen, resident);
        }
    }

    /** All variants foresee what lies ahead of a stage. */
    private void foreseeFrom(int stage) {
        for (Line line : lines) {
            int layer = stage + line.ahead - 1;
            if (line.variant == null || layer >= routers.length) {
                continue;
            }
            FeedForwardWeights.Routed there = routers[layer];
            if (there == null) {
                continue;
            }
            GateVariant variant = line.variant;
            float[] guessed = bases[variant.base().ordinal()][stage];
            if (variant.mean()) {
                guessed = guessed.clone();
                means.addTo(guessed, variant.base(), stage, line.ahead);
            }
            FeedForwardWeights.Routed here = stage == 0 ? null : routers[stage - 1];
            boolean own = variant.norm() == Norm.OWN && here != null;
            gate(guessed, own && here != null ? here : there, there, line.guess[layer]);
            line.guessed[layer] = true;
        }
    }

    private void gate(
            float[] x,
            FeedForwardWeights.Routed norm,
            FeedForwardWeights.Routed router,
            float[] into) {
        kernels.write(x, 1, stream);
        kernels.rmsNorm(stream, 1, norm.norm(), spec.rmsEpsilon(), normed);
        kernels.matmul(router.router(), normed, 1, null, logitsOut);
        kernels.read(logitsOut, 1, into);
    }
}

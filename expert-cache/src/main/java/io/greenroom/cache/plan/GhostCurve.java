package io.greenroom.cache.plan;

import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.policy.EvictionPolicies;
import io.greenroom.cache.policy.EvictionPolicy;
import io.greenroom.cache.policy.LayerSplit;
import io.greenroom.cache.policy.PolicyName;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What other budgets would bring the present traffic, learnt while it runs: caches of several sizes
 * that hold names instead of bytes (ghosts) follow the same visits.
 *
 * <p>Thread-safe. Those who tell of visits and those who ask for curves wait for each other for as
 * long as a visit takes here, some microseconds.
 */
public final class GhostCurve {

    /*
     * Two things are kept. Small caches with the live policy, at a few sizes: no formula knows what
     * W-TinyLFU does below one token's demand, so it is tried. And for every layer the stack of LRU,
     * which for the price of one pass over a layer's experts knows all sizes at once: it gives the
     * curve its shape between the sizes that were tried, and each layer's own curve, from which a
     * split can be planned.
     *
     * A ghost cache costs a fraction of a microsecond for each expert visited. So that this stays
     * far below a hundredth of a token's time in large models, ghosts follow some layers only,
     * spread evenly, with as many fewer slots (Waldspurger et al., "Cache Modeling and Optimization
     * using Miniature Simulations", 2017). Whole layers are left out rather than experts, as what
     * makes these caches special is that a token walks through the layers in turn. By how much the
     * layers followed differ from all of them under LRU is known from the stacks, and taken off.
     */

    /** Sizes tried, as multiples of what one token demands: policies differ most around it. */
    private static final double[] DEMANDS = {0.5, 0.75, 1, 1.25, 1.5, 2, 3};

    /** Further sizes tried, as shares of all experts. */
    private static final double[] SHARES = {0.25, 0.375, 0.5, 0.75};

    /** Most experts that one token may show to ghosts, as far as two layers go. */
    private static final int MOST_PER_TOKEN = 192;

    /** Counts fade a little each time this many tokens have passed. */
    private static final int FADE_TOKENS = 16;

    private final ReentrantLock lock = new ReentrantLock();
    private final CacheShape shape;
    private final int moeLayers;
    private final int[] ghostLayer; // [layers] index among those that ghosts follow, or -1
    private final int ghostLayers;
    private final int depth;
    private final double fade;
    private final LayerStacks stacks;
    private List<ShadowCache> ghosts;
    private final double[] misses; // [ghosts] of all steps
    private final double[] decodeMisses; // [ghosts] of steps that read no prompt
    private double visited; // experts shown to ghosts
    private double decodeVisited;
    private double allVisited; // experts of all layers
    private double allDecodeVisited;
    private double tokens;
    private double decodeTokens;
    private int sinceFaded;

    /**
     * Curves for a model about which nothing is known yet.
     *
     * @param shape of the model
     * @param routed for each layer whether it has experts
     * @param policy that the live cache has
     * @param split of the live cache's slots between layers, or null for one pool
     * @param halfLife after so many tokens, what was counted before counts half
     */
    public GhostCurve(
            CacheShape shape,
            boolean[] routed,
            PolicyName policy,
            @Nullable LayerSplit split,
            int halfLife) {
        if (routed.length != shape.layers() || halfLife < 1) {
            throw new IllegalArgumentException(
                    "Curves need to know of each of "
                            + shape.layers()
                            + " layers whether it has experts, got "
                            + routed.length
                            + ", and a half-life of at least 1 token, got "
                            + halfLife);
        }
        this.shape = shape;
        int[] layers = IntStream.range(0, routed.length).filter(l -> routed[l]).toArray();
        moeLayers = layers.length;
        ghostLayers = Math.min(moeLayers, Math.max(2, MOST_PER_TOKEN / shape.expertsPerToken()));
        ghostLayer = new int[shape.layers()];
        Arrays.fill(ghostLayer, -1);
        for (int i = 0; i < ghostLayers; i++) {
            ghostLayer[layers[(int) ((long) i * moeLayers / ghostLayers)]] = i;
        }
        depth = Math.max(16, 2 * shape.expertsPerToken());
        fade = Math.pow(0.5, (double) FADE_TOKENS / halfLife);
        stacks = new LayerStacks(shape.layers(), shape.experts());
        ghosts = ghosts(policy, split);
        misses = new double[ghosts.size()];
        decodeMisses = new double[ghosts.size()];
    }

    /**
     * The live cache has another policy from now on. What was counted stays until it has faded.
     *
     * @param split as for the constructor
     */
    public void policy(PolicyName policy, @Nullable LayerSplit split) {
        List<ShadowCache> fresh = ghosts(policy, split);
        lock.lock();
        try {
            ghosts = fresh;
        } finally {
            lock.unlock();
        }
    }

    /**
     * A layer asked for experts.
     *
     * @param layer index of the layer
     * @param experts distinct
     * @param scores router probabilities summed over the rows, {@code [experts]}, or null if the
     *     live cache is not told them either
     * @param decode whether the step reads no prompt
     */
    public void visit(int layer, int[] experts, float @Nullable [] scores, boolean decode) {
        lock.lock();
        try {
            stacks.visit(layer, experts, decode);
            allVisited += experts.length;
            allDecodeVisited += decode ? experts.length : 0;
            int ghost = ghostLayer[layer];
            if (ghost < 0) {
                return;
            }
            visited += experts.length;
            decodeVisited += decode ? experts.length : 0;
            for (int i = 0; i < ghosts.size(); i++) {
                int missed = ghosts.get(i).visit(ghost, experts, scores);
                misses[i] += missed;
                decodeMisses[i] += decode ? missed : 0;
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * A step is over: its visits were told.
     *
     * @param rows tokens it was for
     * @param decode as for its visits
     */
    public void stepped(int rows, boolean decode) {
        lock.lock();
        try {
            tokens += rows;
            if (decode) {
                decodeTokens += rows;
                stacks.tokens(rows);
            }
            sinceFaded += rows;
            while (sinceFaded >= FADE_TOKENS) {
                sinceFaded -= FADE_TOKENS;
                fade();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * The curve of all visits, as the cache counts hits and misses.
     *
     * @return empty of tokens before the first step
     */
    public MissRatioCurve all() {
        lock.lock();
        try {
            return curve(misses, visited, allVisited, tokens);
        } finally {
            lock.unlock();
        }
    }

    /** The curve of steps that read no prompt: what the time of a token depends on. */
    public MissRatioCurve decode() {
        lock.lock();
        try {
            return curve(decodeMisses, decodeVisited, allDecodeVisited, decodeTokens);
        } finally {
            lock.unlock();
        }
    }

    /** Each layer's own curve while decoding, under LRU; what a split is planned from. */
    public List<MissCurve> layers() {
        lock.lock();
        try {
            List<MissCurve> curves = new ArrayList<>();
            for (int layer = 0; layer < shape.layers(); layer++) {
                curves.add(stacks.curve(layer));
            }
            return curves;
        } finally {
            lock.unlock();
        }
    }

    private MissRatioCurve curve(double[] missed, double shown, double all, double forTokens) {
        MissCurve whole = shape(false);
        MissCurve followed = shape(true);
        int[] sizes = new int[missed.length + 2];
        double[] hits = new double[sizes.length]; // no slots, no hits
        for (int i = 0; i < missed.length; i++) {
            int slots = ghosts.get(i).slots();
            sizes[i + 1] = (int) ((long) slots * moeLayers / ghostLayers);
            double each = (double) slots / ghostLayers;
            double hit = shown == 0 ? 0 : 1 - missed[i] / shown;
            double others = followed.between(each) - whole.between(each);
            hits[i + 1] = Math.max(0, Math.min(1, hit + others));
        }
        sizes[missed.length + 1] = moeLayers * shape.experts();
        hits[missed.length + 1] = 1;
        return new MissRatioCurve(
                sizes, hits, whole, moeLayers, forTokens == 0 ? 0 : all / forTokens, forTokens);
    }

    /** Misses for each expert visited if every layer had so many slots, under LRU. */
    private MissCurve shape(boolean followedOnly) {
        double[] sum = new double[shape.experts() + 1];
        for (int layer = 0; layer < shape.layers(); layer++) {
            if (!followedOnly || ghostLayer[layer] >= 0) {
                double[] own = stacks.curve(layer).values();
                for (int slots = 0; slots < sum.length; slots++) {
                    sum[slots] += own[slots];
                }
            }
        }
        double whole = sum[0];
        for (int slots = 0; slots < sum.length; slots++) {
            sum[slots] = whole == 0 ? 1 : sum[slots] / whole;
        }
        return MissCurve.of(sum);
    }

    private void fade() {
        stacks.fade(fade);
        for (int i = 0; i < misses.length; i++) {
            misses[i] *= fade;
            decodeMisses[i] *= fade;
        }
        visited *= fade;
        decodeVisited *= fade;
        allVisited *= fade;
        allDecodeVisited *= fade;
        tokens *= fade;
        decodeTokens *= fade;
    }

    private List<ShadowCache> ghosts(PolicyName policy, @Nullable LayerSplit split) {
        CacheShape small = new CacheShape(ghostLayers, shape.experts(), shape.expertsPerToken());
        LayerSplit shares = split == null ? null : ofGhostLayers(split);
        List<ShadowCache> caches = new ArrayList<>();
        int[] sizes = sizes(small);
        List<EvictionPolicy> own = EvictionPolicies.createAlike(policy, small, sizes, shares);
        for (int i = 0; i < sizes.length; i++) {
            caches.add(new ShadowCache(own.get(i), ghostLayers, shape.experts(), sizes[i], depth));
        }
        return caches;
    }

    /** Numbers of slots to try, rising, all below that of all experts. */
    private static int[] sizes(CacheShape shape) {
        int demand = shape.layers() * shape.expertsPerToken();
        IntStream multiples = DoubleStream.of(DEMANDS).mapToInt(d -> (int) (d * demand));
        IntStream shares = DoubleStream.of(SHARES).mapToInt(s -> (int) (s * shape.total()));
        return IntStream.concat(multiples, shares)
                .filter(slots -> slots >= shape.expertsPerToken() && slots < shape.total())
                .distinct()
                .sorted()
                .toArray();
    }

    private @Nullable LayerSplit ofGhostLayers(LayerSplit split) {
        int[] weights = new int[ghostLayers];
        int sum = 0;
        for (int layer = 0; layer < ghostLayer.length; layer++) {
            if (ghostLayer[layer] >= 0) {
                weights[ghostLayer[layer]] = split.weights()[layer];
                sum += split.weights()[layer];
            }
        }
        return sum == 0 ? LayerSplit.even(ghostLayers) : new LayerSplit(weights);
    }
}

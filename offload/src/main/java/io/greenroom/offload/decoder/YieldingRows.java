package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.usage.ExpertUsage;
import io.greenroom.gating.Preference;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.gating.residency.RoutingTally;
import java.util.BitSet;

/**
 * Which experts of the layer at hand are in memory, and how far each row of the batch yields to
 * that. One look at the cache serves all rows of a layer; an expert still being read does not
 * count, since a row that chose it would wait.
 *
 * <p>Layers run one after another and share it. Not touched by a batch that is exact throughout.
 */
final class YieldingRows implements Preference {

    private final ExpertCache cache;
    private final int expertsPerToken;
    private final RoutingTally total;
    private final ExpertUsage usage;
    private final BitSet residents = new BitSet();
    private final int[] altered; // [R]
    private final int[] unwanted; // [R]
    private final float[] exactWeight; // [R]
    private final float[] lostWeight; // [R]
    private final RoutingDial[] dials; // [R], of the batch at hand
    private int layer; // looked at last

    /**
     * @param rows {@code R}, most rows of a batch
     * @param total counts for all requests together
     * @param usage counts the same for each layer
     */
    YieldingRows(
            ExpertCache cache,
            int rows,
            int expertsPerToken,
            RoutingTally total,
            ExpertUsage usage) {
        this.cache = cache;
        this.expertsPerToken = expertsPerToken;
        this.total = total;
        this.usage = usage;
        this.altered = new int[rows];
        this.unwanted = new int[rows];
        this.exactWeight = new float[rows];
        this.lostWeight = new float[rows];
        this.dials = new RoutingDial[rows];
    }

    /** Looks at the cache; the next calls are about this layer and batch. */
    void look(int nextLayer, Batch batch) {
        layer = nextLayer;
        cache.residentsOf(layer, residents);
        for (int row = 0; row < batch.rows(); row++) {
            dials[row] = batch.dial(row);
        }
    }

    /** Adds what the rows' routes have cost, once all rows are routed. */
    void settle(Batch batch) {
        for (int row = 0; row < batch.rows(); row++) {
            RoutingTally tally = batch.tally(row);
            RoutingDial dial = dials[row];
            if (tally != null && !dial.isExact()) {
                // What a biased row reads is an ordinary miss.
                int fallbacks = dial.equals(RoutingDial.RESIDENT) ? unwanted[row] : 0;
                tally.add(
                        expertsPerToken,
                        altered[row],
                        fallbacks,
                        exactWeight[row],
                        lostWeight[row]);
                total.add(
                        expertsPerToken,
                        altered[row],
                        fallbacks,
                        exactWeight[row],
                        lostWeight[row]);
                usage.yielded(
                        layer,
                        expertsPerToken,
                        altered[row],
                        fallbacks,
                        exactWeight[row],
                        lostWeight[row]);
            }
        }
    }

    @Override
    public double strength(int row) {
        return dials[row].lambda();
    }

    @Override
    public boolean prefers(int expert) {
        return residents.get(expert);
    }

    @Override
    public void chose(int row, int changed, int absent, float exact, float lost) {
        altered[row] = changed;
        unwanted[row] = absent;
        exactWeight[row] = exact;
        lostWeight[row] = lost;
    }
}

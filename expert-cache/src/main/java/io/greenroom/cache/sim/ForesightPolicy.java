package io.greenroom.cache.sim;

import io.greenroom.cache.ExpertId;
import io.greenroom.cache.policy.EvictionPolicy;
import io.greenroom.cache.sim.RoutingSequence.Visit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A policy that is told the truth about the next visits, and keeps what they will ask for. It shows
 * how much eviction could gain from perfect predictions of that reach: a look one whole token ahead
 * is more than any predictor has.
 */
final class ForesightPolicy implements EvictionPolicy {

    private final EvictionPolicy policy;
    private final RoutingSequence sequence;
    private final int reach;
    private final int[] wantedAt; // [total]: latest visit within reach that asks for it
    private int now = -1; // number of the visit under way

    /**
     * @param policy decides between experts that nobody will ask for soon
     * @param reach how many visits ahead it sees
     */
    ForesightPolicy(EvictionPolicy policy, RoutingSequence sequence, int reach) {
        this.policy = policy;
        this.sequence = sequence;
        this.reach = reach;
        this.wantedAt = new int[sequence.shape().total()];
        for (int visit = 0; visit < Math.min(reach, sequence.visits().size()); visit++) {
            mark(visit);
        }
    }

    @Override
    public void visiting(int layer, int[] experts) {
        now++;
        if (now + reach < sequence.visits().size()) {
            mark(now + reach);
        }
        policy.visiting(layer, experts);
    }

    @Override
    public @Nullable ExpertId victim(Predicate<ExpertId> evictable) {
        ExpertId id = policy.victim(e -> evictable.test(e) && !isWantedSoon(e));
        return id != null ? id : policy.victim(evictable);
    }

    @Override
    public @Nullable ExpertId spare(Predicate<ExpertId> evictable) {
        return policy.spare(e -> evictable.test(e) && !isWantedSoon(e));
    }

    @Override
    public @Nullable ExpertId unwanted(Predicate<ExpertId> evictable) {
        return policy.unwanted(evictable);
    }

    @Override
    public void observed(int layer, float[] scores) {
        policy.observed(layer, scores);
    }

    @Override
    public void admitted(ExpertId id) {
        policy.admitted(id);
    }

    @Override
    public void used(ExpertId id) {
        policy.used(id);
    }

    @Override
    public void evicted(ExpertId id) {
        policy.evicted(id);
    }

    @Override
    public void resize(int slots) {
        policy.resize(slots);
    }

    @Override
    public int size() {
        return policy.size();
    }

    private boolean isWantedSoon(ExpertId id) {
        return wantedAt[number(id.layer(), id.expert())] > now;
    }

    private void mark(int number) {
        Visit visit = sequence.visits().get(number);
        for (int expert : visit.experts()) {
            wantedAt[number(visit.layer(), expert)] = number;
        }
    }

    private int number(int layer, int expert) {
        return layer * sequence.shape().experts() + expert;
    }
}

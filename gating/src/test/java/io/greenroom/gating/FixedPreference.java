package io.greenroom.gating;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntToDoubleFunction;

/** Prefers a fixed set of experts and keeps what it is told. */
final class FixedPreference implements Preference {

    /** What a token's route came to. */
    record Told(int altered, int unwanted, float exactWeight, float lostWeight) {}

    private final IntToDoubleFunction strengths;
    private final BitSet preferred;
    final Map<Integer, Told> told = new HashMap<>();

    FixedPreference(IntToDoubleFunction strengths, BitSet preferred) {
        this.strengths = strengths;
        this.preferred = preferred;
    }

    FixedPreference(double strength, int... preferred) {
        this(token -> strength, setOf(preferred));
    }

    static BitSet setOf(int... members) {
        BitSet set = new BitSet();
        for (int member : members) {
            set.set(member);
        }
        return set;
    }

    @Override
    public double strength(int token) {
        return strengths.applyAsDouble(token);
    }

    @Override
    public boolean prefers(int expert) {
        return preferred.get(expert);
    }

    @Override
    public void chose(int token, int altered, int unwanted, float exactWeight, float lostWeight) {
        told.put(token, new Told(altered, unwanted, exactWeight, lostWeight));
    }
}

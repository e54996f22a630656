package io.greenroom.gating.residency;

import java.util.Locale;

/**
 * How far routing yields to what is in memory.
 *
 * <ul>
 *   <li>{@code exact}: not at all. The router's experts run, whatever it takes to read them.
 *   <li>{@code biased:λ}: experts are ranked by {@code z + λ * range * resident}, where {@code z}
 *       are the router's logits for a token and {@code range} is the largest less the smallest of
 *       them. The more certain the router is, the less it yields.
 *   <li>{@code resident}: experts in memory come first whatever the logits; others only fill up
 *       where a layer has fewer than a token needs.
 * </ul>
 *
 * <p>Weights are always the router's own probabilities of the experts chosen. An expert still being
 * read is not in memory.
 *
 * <p>Settings are ordered from exact to resident: {@code biased:0} is {@code exact}, and any λ
 * above 1 does what {@code resident} does (see {@code PreferredTopK}), which is why no other is
 * accepted in writing.
 *
 * @param lambda λ; 0 for exact, positive infinity for resident
 */
public record RoutingDial(double lambda) implements Comparable<RoutingDial> {

    /** The router's choice, always. */
    public static final RoutingDial EXACT = new RoutingDial(0);

    /** Residents only, as far as there are enough. */
    public static final RoutingDial RESIDENT = new RoutingDial(Double.POSITIVE_INFINITY);

    /** What {@link #parse} reads, for messages. */
    public static final String ACCEPTED =
            "exact, biased:N with N from 0 to 1 (such as biased:0.15), or resident";

    private static final String BIASED = "biased:";
    private static final int LONGEST = 32;

    /**
     * @throws IllegalArgumentException if {@code lambda} is negative or not a number
     */
    public RoutingDial {
        if (!(lambda >= 0)) {
            throw new IllegalArgumentException(
                    "Routing cannot yield by " + lambda + "; expected 0 or more");
        }
        lambda += 0.0; // no minus zero: it would not equal zero
    }

    /**
     * Reads a setting as {@link #toString} writes it, in any case.
     *
     * @throws IllegalArgumentException saying what is accepted
     */
    public static RoutingDial parse(String text) {
        String setting = text.trim().toLowerCase(Locale.ROOT);
        if (setting.equals("exact")) {
            return EXACT;
        }
        if (setting.equals("resident")) {
            return RESIDENT;
        }
        if (setting.startsWith(BIASED) && setting.length() <= LONGEST) {
            String number = setting.substring(BIASED.length()).trim();
            // Digits only: Java would also read NaN, hexadecimal numbers and a final "d".
            if (number.matches("[0-9]*\\.?[0-9]+(e-?[0-9]+)?")) {
                double lambda = Double.parseDouble(number);
                if (lambda <= 1) {
                    return new RoutingDial(lambda);
                }
            }
        }
        throw new IllegalArgumentException("write " + ACCEPTED);
    }

    public boolean isExact() {
        return lambda == 0;
    }

    /** This setting, or the limit if that is more exact. */
    public RoutingDial atMost(RoutingDial limit) {
        return compareTo(limit) <= 0 ? this : limit;
    }

    /** The more exact setting is the smaller one. */
    @Override
    public int compareTo(RoutingDial other) {
        return Double.compare(lambda, other.lambda);
    }

    /** As {@link #parse} reads it. */
    @Override
    public String toString() {
        if (isExact()) {
            return "exact";
        }
        return lambda == Double.POSITIVE_INFINITY ? "resident" : BIASED + lambda;
    }
}

package io.greenroom.cache.policy;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** The eviction policies there are, by the names operators use. */
public enum PolicyName {
    /** W-TinyLFU, by Caffeine: frequency and recency, with an admission filter. */
    TINYLFU,
    /** The expert whose next use is expected last leaves; what to expect is learned on the way. */
    REUSE,
    /** The expert used longest ago leaves. */
    LRU,
    /** The expert used least often leaves; old uses count less. */
    LFU,
    /** Adaptive replacement cache: balances those used once with those used more often. */
    ARC,
    /** An expert whose layer has just passed leaves first. */
    LEAST_STALE,
    /** Keeps nothing. For comparison. */
    ON_DEMAND;

    /** What a model gets whose operator says nothing: see docs/policies.md. */
    public static final PolicyName DEFAULT = REUSE;

    /** How it is written: {@code tinylfu}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Reads a name; case and surrounding blanks do not matter.
     *
     * @throws IllegalArgumentException listing the names there are
     */
    public static PolicyName parse(String text) {
        String wanted = text.trim();
        for (PolicyName name : values()) {
            if (name.toString().equalsIgnoreCase(wanted)) {
                return name;
            }
        }
        throw new IllegalArgumentException(
                "Not a cache policy: \"" + text + "\"; write one of " + list());
    }

    /** All names, separated by commas. */
    public static String list() {
        return Arrays.stream(values()).map(PolicyName::toString).collect(Collectors.joining(", "));
    }
}

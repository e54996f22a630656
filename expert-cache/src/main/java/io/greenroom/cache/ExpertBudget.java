package io.greenroom.cache;

import java.util.Locale;

/**
 * The memory an operator grants to routed experts, as written: a size, a share of all expert bytes,
 * or "auto".
 */
public sealed interface ExpertBudget {

    /** As much as fits the container's limit, at most all experts. */
    ExpertBudget AUTO = new Auto();

    /**
     * @param size bytes
     */
    record Fixed(ByteSize size) implements ExpertBudget {}

    /**
     * @param percent of all expert bytes, above 0 to 100
     */
    record Share(double percent) implements ExpertBudget {}

    /** See {@link #AUTO}. */
    record Auto() implements ExpertBudget {}

    /**
     * Bytes this budget comes to.
     *
     * @param allExperts bytes all experts take when resident
     * @param available bytes the container leaves for experts; only "auto" looks at it
     */
    default long resolve(long allExperts, long available) {
        if (this instanceof Fixed fixed) {
            return fixed.size().bytes();
        }
        if (this instanceof Share share) {
            return (long) Math.floor(allExperts * (share.percent() / 100));
        }
        return Math.max(0, Math.min(allExperts, available));
    }

    /**
     * Reads "6GiB", "40%" or "auto".
     *
     * @throws IllegalArgumentException saying what is accepted
     */
    static ExpertBudget parse(String text) {
        String trimmed = text.trim().toLowerCase(Locale.ROOT);
        if (trimmed.equals("auto")) {
            return AUTO;
        }
        if (trimmed.endsWith("%")) {
            double percent;
            try {
                percent = Double.parseDouble(trimmed.substring(0, trimmed.length() - 1).trim());
            } catch (NumberFormatException e) {
                percent = Double.NaN;
            }
            if (!(percent > 0 && percent <= 100)) {
                throw new IllegalArgumentException(
                        "Not a share of the experts: \"" + text + "\"; write 1% to 100%");
            }
            return new Share(percent);
        }
        try {
            return new Fixed(ByteSize.parse(text));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "Not a budget: \""
                            + text
                            + "\"; write a size like 6GiB, a share like 40%, or auto",
                    e);
        }
    }
}

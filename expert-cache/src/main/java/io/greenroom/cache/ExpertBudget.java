package io.greenroom.cache;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The memory an operator grants to routed experts, as written: a size, a share of all expert bytes,
 * or "auto". Prints in a form that {@link #parse} reads.
 */
public sealed interface ExpertBudget {

    /** As much as fits the container's limit, at most all experts. */
    ExpertBudget AUTO = new Auto();

    /**
     * @param size bytes
     */
    record Fixed(ByteSize size) implements ExpertBudget {
        @Override
        public String toString() {
            return size.toString();
        }
    }

    /**
     * @param percent of all expert bytes, above 0 to 100
     */
    record Share(double percent) implements ExpertBudget {

        private static final Pattern TEXT = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,300})?)\\s*%");

        public Share {
            if (!(percent > 0 && percent <= 100)) {
                throw new IllegalArgumentException(
                        "A share of the experts is above 0 % and at most 100 %, got "
                                + percent
                                + " %");
            }
        }

        @Override
        public String toString() {
            return BigDecimal.valueOf(percent).stripTrailingZeros().toPlainString() + "%";
        }
    }

    /** See {@link #AUTO}. */
    record Auto() implements ExpertBudget {
        @Override
        public String toString() {
            return "auto";
        }
    }

    /**
     * Bytes this budget comes to. A share is rounded down to whole bytes.
     *
     * @param allExperts bytes all experts take when resident
     * @param available bytes the container leaves for experts; only "auto" looks at it
     */
    default long resolve(long allExperts, long available) {
        if (this instanceof Fixed fixed) {
            return fixed.size().bytes();
        }
        if (this instanceof Share share) {
            return BigDecimal.valueOf(allExperts)
                    .multiply(BigDecimal.valueOf(share.percent()))
                    .movePointLeft(2)
                    .setScale(0, RoundingMode.DOWN)
                    .longValueExact();
        }
        return Math.max(0, Math.min(allExperts, available));
    }

    /**
     * Reads "6GiB", "40%" or "auto"; case and surrounding blanks do not matter.
     *
     * @throws IllegalArgumentException saying what is accepted
     */
    static ExpertBudget parse(String text) {
        String trimmed = text.trim().toLowerCase(Locale.ROOT);
        if (trimmed.equals("auto")) {
            return AUTO;
        }
        if (trimmed.endsWith("%")) {
            return parseShare(text, trimmed);
        }
        ByteSize size;
        try {
            size = ByteSize.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "Not a budget: \""
                            + text
                            + "\"; write a size like 6GiB, a share like 40%, or auto",
                    e);
        }
        return new Fixed(size);
    }

    private static Share parseShare(String text, String trimmed) {
        Matcher matcher = Share.TEXT.matcher(trimmed);
        double percent = matcher.matches() ? Double.parseDouble(matcher.group(1)) : 0;
        if (!(percent > 0 && percent <= 100)) {
            throw new IllegalArgumentException(
                    "Not a share of the experts: \""
                            + text
                            + "\"; write a number above 0 and at most 100 before the %, like 40%");
        }
        return new Share(percent);
    }
}

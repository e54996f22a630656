package io.greenroom.cache;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A number of bytes, with the text form operators write: {@code 512}, {@code 512B}, {@code 64KiB},
 * {@code 6GiB}, {@code 1.5GB}.
 *
 * @param bytes at least 0
 */
public record ByteSize(long bytes) implements Comparable<ByteSize> {

    private static final Pattern TEXT =
            Pattern.compile("\\s*(\\d{1,19})(\\.\\d{1,9})?\\s*(?:([kmgt])(i?)b?|b)?\\s*");

    private static final String UNITS = "kmgt";

    /** Above this, doubling a size or adding two of them would overflow. */
    private static final BigDecimal LARGEST = BigDecimal.valueOf(1L << 62);

    public ByteSize {
        if (bytes < 0) {
            throw new IllegalArgumentException("A size cannot be negative: " + bytes);
        }
    }

    /**
     * Reads a size. Units with an "i" are powers of 1024, without it powers of 1000; case does not
     * matter. A fraction needs such a unit and is rounded down to whole bytes.
     *
     * @throws IllegalArgumentException saying what is accepted
     */
    public static ByteSize parse(String text) {
        Matcher matcher = TEXT.matcher(text.toLowerCase(Locale.ROOT));
        if (!matcher.matches() || (matcher.group(2) != null && matcher.group(3) == null)) {
            throw new IllegalArgumentException(
                    "Not a size: \""
                            + text
                            + "\"; write bytes or a unit, like 512MiB, 6GiB or 1.5GB");
        }
        String fraction = matcher.group(2);
        String unit = matcher.group(3);
        BigDecimal bytes = new BigDecimal(matcher.group(1) + (fraction == null ? "" : fraction));
        if (unit != null) {
            int base = matcher.group(4).isEmpty() ? 1000 : 1024;
            bytes = bytes.multiply(BigDecimal.valueOf(base).pow(UNITS.indexOf(unit) + 1));
        }
        if (bytes.compareTo(LARGEST) >= 0) {
            throw new IllegalArgumentException(
                    "Too large a size: \"" + text + "\"; it must stay below 4194304 TiB");
        }
        return new ByteSize(bytes.setScale(0, RoundingMode.DOWN).longValueExact());
    }

    @Override
    public int compareTo(ByteSize other) {
        return Long.compare(bytes, other.bytes);
    }

    /** With the largest binary unit that keeps the number at 1 or more, one decimal. */
    @Override
    public String toString() {
        if (bytes < 1024) {
            return bytes + " B";
        }
        int power = Math.min((63 - Long.numberOfLeadingZeros(bytes)) / 10, UNITS.length());
        double value = bytes / Math.pow(1024, power);
        if (value >= 1023.95 && power < UNITS.length()) {
            value /= 1024; // would print as 1024.0 of this unit
            power++;
        }
        return String.format(
                Locale.ROOT, "%.1f %siB", value, UNITS.toUpperCase(Locale.ROOT).charAt(power - 1));
    }
}

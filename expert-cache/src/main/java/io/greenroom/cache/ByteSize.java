package io.greenroom.cache;

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
            Pattern.compile("\\s*(\\d{1,18}(?:\\.\\d{1,9})?)\\s*([kmgt]?i?b?)\\s*");

    private static final String UNITS = "kmgt";

    public ByteSize {
        if (bytes < 0) {
            throw new IllegalArgumentException("A size cannot be negative: " + bytes);
        }
    }

    /**
     * Reads a size. Units with an "i" are powers of 1024, without it powers of 1000; case does not
     * matter.
     *
     * @throws IllegalArgumentException saying what is accepted
     */
    public static ByteSize parse(String text) {
        Matcher matcher = TEXT.matcher(text.toLowerCase(Locale.ROOT));
        if (!matcher.matches() || matcher.group(2).equals("i") || matcher.group(2).equals("ib")) {
            throw new IllegalArgumentException(
                    "Not a size: \""
                            + text
                            + "\"; write bytes or a unit, like 512MiB, 6GiB or 1.5GB");
        }
        String unit = matcher.group(2);
        int power = unit.isEmpty() ? 0 : UNITS.indexOf(unit.charAt(0)) + 1;
        double factor = Math.pow(unit.indexOf('i') > 0 ? 1024 : 1000, power);
        double bytes = Double.parseDouble(matcher.group(1)) * factor;
        if (bytes >= 0x1p62) {
            throw new IllegalArgumentException("Too large a size: \"" + text + "\"");
        }
        return new ByteSize(Math.round(bytes));
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
        return String.format(
                Locale.ROOT, "%.1f %siB", value, UNITS.toUpperCase(Locale.ROOT).charAt(power - 1));
    }
}

package io.greenroom.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Locale;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "512, 512",
        "512B, 512",
        "64KiB, 65536",
        "64k, 64000",
        "64ki, 65536",
        "64kb, 64000",
        "6GiB, 6442450944",
        "6 gib, 6442450944",
        "'  1.5GB ', 1500000000",
        "1.5GiB, 1610612736",
        "0.001KiB, 1",
        "2TiB, 2199023255552",
        "9007199254740993, 9007199254740993",
        "4611686018427387903, 4611686018427387903"
    })
    void readsWhatOperatorsWrite(String text, long bytes) {
        assertThat(ByteSize.parse(text)).isEqualTo(new ByteSize(bytes));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "GiB",
                "6 i",
                "6ib",
                "-1",
                "+1",
                "1,5GB",
                "1.GB",
                ".5GB",
                "1.5",
                "1.5B",
                "6GiBs",
                "6 G iB",
                "0x10",
                "1e9",
                "NaN",
                "10%",
                "99999999999999999999",
                "٣"
            })
    void refusesWhatIsNotASize(String text) {
        assertThatThrownBy(() -> ByteSize.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "Not a size: \""
                                + text
                                + "\"; write bytes or a unit, like 512MiB, 6GiB or 1.5GB");
    }

    @ParameterizedTest
    @ValueSource(strings = {"4611686018427387904", "4194304TiB", "9999999999999999999TB"})
    void refusesWhatWouldOverflow(String text) {
        assertThatThrownBy(() -> ByteSize.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Too large a size: \"" + text + "\"; it must stay below 4194304 TiB");
    }

    @Test
    void isNeverNegative() {
        assertThatThrownBy(() -> new ByteSize(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("A size cannot be negative: -1");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "1023, 1023 B",
        "1024, 1.0 KiB",
        "1536, 1.5 KiB",
        "1048575, 1.0 MiB",
        "1048576, 1.0 MiB",
        "6442450944, 6.0 GiB",
        "1099511627775, 1.0 TiB",
        "9223372036854775807, 8388608.0 TiB"
    })
    void printsWithTheLargestUnitThatFits(long bytes, String text) {
        assertThat(new ByteSize(bytes)).hasToString(text);
    }

    @Test
    void printsTheSameInEveryLanguage() {
        Locale before = Locale.getDefault();
        try {
            Locale.setDefault(Locale.forLanguageTag("tr-TR"));
            assertThat(new ByteSize(1610612736L)).hasToString("1.5 GiB");
            assertThat(ByteSize.parse("1.5GIB").bytes()).isEqualTo(1610612736L);
        } finally {
            Locale.setDefault(before);
        }
    }

    @Property
    void plainBytesComeBackExactly(@ForAll @LongRange(max = (1L << 62) - 1) long bytes) {
        assertThat(ByteSize.parse(Long.toString(bytes)).bytes()).isEqualTo(bytes);
    }

    @Property
    void whatIsPrintedReadsBackWithinItsOneDecimal(
            @ForAll @LongRange(max = (1L << 62) - (1L << 55)) long bytes) {
        double again = ByteSize.parse(new ByteSize(bytes).toString()).bytes();
        assertThat(Math.abs(again - bytes)).isLessThanOrEqualTo(bytes * 0.0501);
    }

    @Property
    void wholeUnitsComeBackExactly(
            @ForAll @IntRange(min = 1, max = 1023) int count,
            @ForAll @IntRange(max = 4) int power) {
        ByteSize size = new ByteSize((long) count << (10 * power));
        assertThat(ByteSize.parse(size.toString())).isEqualTo(size);
    }

    @Property
    void sizesCompareLikeTheirBytes(
            @ForAll @LongRange(min = 0) long a, @ForAll @LongRange(min = 0) long b) {
        assertThat(Integer.signum(new ByteSize(a).compareTo(new ByteSize(b))))
                .isEqualTo(Long.compare(a, b));
    }
}

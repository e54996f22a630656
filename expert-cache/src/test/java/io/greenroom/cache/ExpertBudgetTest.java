package io.greenroom.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExpertBudgetTest {

    @Test
    void readsSizesSharesAndAuto() {
        assertThat(ExpertBudget.parse("6GiB"))
                .isEqualTo(new ExpertBudget.Fixed(new ByteSize(6L << 30)));
        assertThat(ExpertBudget.parse(" 40 % ")).isEqualTo(new ExpertBudget.Share(40));
        assertThat(ExpertBudget.parse("12.5%")).isEqualTo(new ExpertBudget.Share(12.5));
        assertThat(ExpertBudget.parse("100%")).isEqualTo(new ExpertBudget.Share(100));
        assertThat(ExpertBudget.parse(" AUTO ")).isEqualTo(ExpertBudget.AUTO);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0%", "0.0%", "101%", "100.1%", "-5%", "%", "x%", "40d%", "0x10%", "1e1%", "NaN%",
                "1,5%"
            })
    void refusesWhatIsNotAShare(String text) {
        assertThatThrownBy(() -> ExpertBudget.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "Not a share of the experts: \""
                                + text
                                + "\"; write a number above 0 and at most 100 before the %, like"
                                + " 40%");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "much", "6GiB!", "-1", "1.5"})
    void refusesWhatIsNotABudget(String text) {
        assertThatThrownBy(() -> ExpertBudget.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "Not a budget: \""
                                + text
                                + "\"; write a size like 6GiB, a share like 40%, or auto")
                .hasRootCauseMessage(
                        "Not a size: \""
                                + text
                                + "\"; write bytes or a unit, like 512MiB, 6GiB or 1.5GB");
    }

    @Test
    void aShareIsAboveZeroAndAtMostAll() {
        for (double percent : new double[] {0, -1, 100.5, Double.NaN}) {
            assertThatThrownBy(() -> new ExpertBudget.Share(percent))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "A share of the experts is above 0 % and at most 100 %, got "
                                    + percent
                                    + " %");
        }
    }

    @Test
    void resolvesToBytes() {
        assertThat(ExpertBudget.parse("1KiB").resolve(100, 50)).isEqualTo(1024);
        assertThat(ExpertBudget.parse("29%").resolve(100, 5)).isEqualTo(29);
        assertThat(ExpertBudget.parse("33%").resolve(10, 0)).isEqualTo(3);
        assertThat(ExpertBudget.AUTO.resolve(100, 50)).isEqualTo(50);
        assertThat(ExpertBudget.AUTO.resolve(100, 500)).isEqualTo(100);
        assertThat(ExpertBudget.AUTO.resolve(100, -7)).isZero();
    }

    @Property
    void allOfTheExpertsIsExactlyAll(@ForAll @LongRange(min = 0) long all) {
        assertThat(new ExpertBudget.Share(100).resolve(all, 0)).isEqualTo(all);
    }

    @Property
    void wholePercentsAreRoundedDownExactly(
            @ForAll @LongRange(min = 0) long all,
            @ForAll @IntRange(min = 1, max = 100) int percent) {
        long exact =
                BigInteger.valueOf(all)
                        .multiply(BigInteger.valueOf(percent))
                        .divide(BigInteger.valueOf(100))
                        .longValueExact();
        assertThat(new ExpertBudget.Share(percent).resolve(all, 0)).isEqualTo(exact);
    }

    @Property
    void sharesPrintAsTheyAreRead(
            @ForAll @DoubleRange(min = 0, max = 100, minIncluded = false) double percent) {
        ExpertBudget share = new ExpertBudget.Share(percent);
        assertThat(ExpertBudget.parse(share.toString())).isEqualTo(share);
    }

    @Test
    void printsAsOperatorsWrite() {
        assertThat(new ExpertBudget.Share(40)).hasToString("40%");
        assertThat(new ExpertBudget.Share(12.5)).hasToString("12.5%");
        assertThat(new ExpertBudget.Share(100)).hasToString("100%");
        assertThat(ExpertBudget.parse("6GiB")).hasToString("6.0 GiB");
        assertThat(ExpertBudget.AUTO).hasToString("auto");
    }
}

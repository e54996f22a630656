package io.greenroom.gating.residency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RoutingDialTest {

    @ParameterizedTest
    @CsvSource({
        "exact, exact",
        "' Exact ', exact",
        "biased:0, exact",
        "biased:0.15, biased:0.15",
        "BIASED: .5, biased:0.5",
        "biased:1, biased:1.0",
        "biased:1e-3, biased:0.001",
        "resident, resident"
    })
    void readsWhatItWrites(String text, String written) {
        RoutingDial dial = RoutingDial.parse(text);
        assertThat(dial).hasToString(written);
        assertThat(RoutingDial.parse(dial.toString())).isEqualTo(dial);
    }

    @Property
    void everyFactorSurvivesWriting(@ForAll @DoubleRange(min = 0, max = 1) double lambda) {
        RoutingDial dial = new RoutingDial(lambda);
        assertThat(RoutingDial.parse(dial.toString())).isEqualTo(dial);
    }

    @Property
    void anyOtherTextIsRefusedAndNeverMisread(@ForAll String text) {
        try {
            assertThat(RoutingDial.parse(text).lambda()).isNotNegative();
        } catch (IllegalArgumentException e) {
            assertThat(e)
                    .hasMessage(
                            "write exact, biased:N with N from 0 to 1 (such as biased:0.15), or"
                                    + " resident");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "biased",
                "biased:",
                "biased:-0.1",
                "biased:1.1",
                "biased:NaN",
                "biased:Infinity",
                "biased:0x1p-3",
                "biased:0.5d",
                "biased:0,5",
                "biased:1e400",
                "biased:00000000000000000000000000000000000001",
                "residents",
                "lossy"
            })
    void saysWhatIsAccepted(String text) {
        assertThatThrownBy(() -> RoutingDial.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("write " + RoutingDial.ACCEPTED);
    }

    @Test
    void settingsAreOrderedFromExactToResident() {
        RoutingDial mild = RoutingDial.parse("biased:0.1");
        RoutingDial strong = RoutingDial.parse("biased:0.9");
        assertThat(RoutingDial.EXACT.atMost(RoutingDial.RESIDENT)).isEqualTo(RoutingDial.EXACT);
        assertThat(RoutingDial.RESIDENT.atMost(mild)).isEqualTo(mild);
        assertThat(mild.atMost(strong)).isEqualTo(mild);
        assertThat(strong.atMost(mild)).isEqualTo(mild);
        assertThat(mild.atMost(RoutingDial.EXACT).isExact()).isTrue();
        assertThat(new RoutingDial(-0.0)).isEqualTo(RoutingDial.EXACT);
    }

    @Test
    void impossibleFactorsAreRefused() {
        assertThatThrownBy(() -> new RoutingDial(-0.5))
                .hasMessage("Routing cannot yield by -0.5; expected 0 or more");
        assertThatThrownBy(() -> new RoutingDial(Double.NaN))
                .hasMessage("Routing cannot yield by NaN; expected 0 or more");
    }

    @Test
    void costsAddUpAndHaveShares() {
        RoutingTally tally = new RoutingTally();
        assertThat(tally.cost()).isEqualTo(RoutingCost.NONE);
        assertThat(tally.cost().alteredShare()).isZero();
        assertThat(tally.cost().lostShare()).isZero();
        tally.add(4, 1, 0, 0.75, 0.25);
        RoutingCost before = tally.cost();
        tally.add(4, 3, 2, 0.25, 0.25);
        RoutingCost all = tally.cost();
        assertThat(all).isEqualTo(new RoutingCost(8, 4, 2, 1, 0.5));
        assertThat(all.alteredShare()).isEqualTo(0.5);
        assertThat(all.lostShare()).isEqualTo(0.5);
        assertThat(all.since(before)).isEqualTo(new RoutingCost(4, 3, 2, 0.25, 0.25));
    }
}

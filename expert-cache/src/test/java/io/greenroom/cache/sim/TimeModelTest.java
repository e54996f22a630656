package io.greenroom.cache.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.RoutingSequence.Visit;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Simulated time on sequences short enough to work out by hand. Reads take 100 ns each. */
class TimeModelTest {

    private static final CacheShape SHAPE = new CacheShape(2, 8, 2);

    // 1 byte a nanosecond, 10 ns until the first byte; a layer takes 40 ns, an expert 30 ns.
    private static final TimeModel TIME = new TimeModel(1e9, 10, 0, 40, 0, 30, 0);

    @Test
    void readsOverlapWithResidentExperts() {
        SimulationResult result = run(GuessSource.NONE, Visit.of(0, 0, 1, 2), Visit.of(1, 0, 1, 3));
        // First visit: 40, then both are read until 150 and 250; computed until 180 and 280.
        // Second: from 320; expert 1 until 350 while 3 is read until 430; computed until 460.
        assertThat(result.nanos()).isEqualTo(460);
        assertThat(result.stallNanos()).isEqualTo(110 + 70 + 80);
        assertThat(result.hits()).isEqualTo(1);
        assertThat(result.bytesLoaded()).isEqualTo(300);
    }

    @Test
    void aVisitThatWaitsResumesOnce() {
        TimeModel resuming = new TimeModel(1e9, 10, 0, 40, 0, 30, 0, 5);
        SimulationResult result =
                PolicySimulator.run(
                        sequence(Visit.of(0, 0, 1, 2), Visit.of(1, 0, 1, 2)),
                        new SimulationSetup(PolicyName.LRU, null, 16, GuessSource.NONE, resuming));
        // As above, 5 later from the first expert on; the second, at 250, is waited for less long.
        assertThat(result.nanos()).isEqualTo(280 + 40 + 60);
        assertThat(result.stallNanos()).isEqualTo(110 + 5 + 65);
    }

    @Test
    void resumingIsWhatATokenOfMissesTakesBeyondItsParts() {
        // A layer and its two reads: 40 + 10 + 200, then 30 for the expert that came last.
        TimeModel calibrated = TIME.resumingAfterMisses(2 * 280 + 14, 2, 2, 100);
        assertThat(calibrated.resume()).isEqualTo(7);
        assertThat(calibrated.layer()).isEqualTo(TIME.layer());
        assertThat(TIME.resumingAfterMisses(2 * 280 - 14, 2, 2, 100).resume()).isZero();
    }

    @Test
    void aPerfectGuessIsReadWhileTheLinkIdles() {
        SimulationResult result =
                run(GuessSource.PERFECT, Visit.of(0, 0, 1), Visit.of(0, 1, 4), Visit.of(1, 0, 1));
        // L0/E1 is read from 40 to 150 and computed until 180; behind it L1/E4, until 250. Its
        // layer begins at 220: late by 30. From 280 the third visit: resident.
        assertThat(result.prefetchIssued()).isEqualTo(1);
        assertThat(result.prefetchLate()).isEqualTo(1);
        assertThat(result.nanos()).isCloseTo(280 + 70, within(1e-6));
        assertThat(result.stallNanos()).isCloseTo(110 + 30, within(1e-6));
        assertThat(result.bytesLoaded()).isEqualTo(200);
    }

    @Test
    void aGuessThatArrivesInTimeIsAHit() {
        TimeModel fast = new TimeModel(10e9, 0, 0, 40, 0, 30, 0);
        SimulationResult result =
                PolicySimulator.run(
                        sequence(Visit.of(0, 0, 1), Visit.of(0, 1, 4)),
                        new SimulationSetup(PolicyName.LRU, null, 16, GuessSource.PERFECT, fast));
        assertThat(result.hits()).isEqualTo(1);
        assertThat(result.prefetchUseful()).isEqualTo(1);
        assertThat(result.nanos()).isEqualTo(40 + 10 + 30 + 40 + 30);
    }

    @Test
    void demandWaitsForOnePieceOfAGuessAtMost() {
        SimulatedLink link = new SimulatedLink(new TimeModel(1e9, 0, 0, 0, 0, 0, 0));
        SimulatedLink.Guess guess = link.guess(7, 0, 300);
        assertThat(link.demand(50, 100)).isEqualTo(200); // behind the first 100 bytes of 300
        assertThat(link.arrived(399)).isNull();
        assertThat(link.arrived(400)).isSameAs(guess);
        SimulatedLink.Guess other = link.guess(8, 400, 300);
        SimulatedLink.Guess never = link.guess(9, 400, 300);
        assertThat(link.promote(other, 450)).isEqualTo(700);
        assertThat(link.cancel(never, 600)).isTrue();
        assertThat(link.arrived(2000)).isNull();
    }

    @Test
    void wrongGuessesAreCounted() {
        SimulationResult result =
                run(
                        GuessSource.PREVIOUS,
                        Visit.of(0, 0, 1),
                        Visit.of(0, 1, 4),
                        Visit.of(1, 0, 2),
                        Visit.of(1, 1, 5));
        // What each layer used before is resident anyway: nothing to read ahead.
        assertThat(result.prefetchIssued()).isZero();
        assertThat(result.misses()).isEqualTo(4);
    }

    @Test
    void refusesWhatIsNoTime() {
        assertThatThrownBy(() -> new TimeModel(0, 0, 0, 0, 0, 0, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("The bandwidth must be above 0 bytes a second, got 0.0");
        assertThatThrownBy(() -> new TimeModel(1, -1, 0, 0, 0, 0, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("The read latency cannot be -1.0 ns");
        assertThatThrownBy(() -> GuessSource.parse("oracle"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "Not a predictor: \"oracle\"; write one of none, recorded, previous,"
                                + " perfect");
    }

    private static SimulationResult run(GuessSource guesses, Visit... visits) {
        return PolicySimulator.run(
                sequence(visits), new SimulationSetup(PolicyName.LRU, null, 16, guesses, TIME));
    }

    private static RoutingSequence sequence(Visit... visits) {
        return new RoutingSequence(
                SHAPE,
                List.of(visits),
                visits[visits.length - 1].step() + 1,
                new long[] {100, 100});
    }
}

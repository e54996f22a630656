package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.gating.residency.RoutingTally;
import org.junit.jupiter.api.Test;

class BatchTest {

    @Test
    void aFailedSequenceLeavesWithAllItsRowsAndTheOthersMoveUp() {
        Batch batch = new Batch(8, 3);
        batch.addSequence(new int[] {0});
        batch.addRow(10, 4, true);
        batch.addSequence(new int[] {1});
        batch.addRow(20, 0, false);
        batch.addRow(21, 1, true);
        batch.addSequence(new int[] {2});
        batch.addRow(30, 7, true);
        IllegalStateException reason = new IllegalStateException("first");

        batch.fail(2, reason);
        batch.fail(1, new IllegalStateException("second"));
        assertThat(batch.hasFailedRows()).isTrue();
        float[] hidden = {1, 1, 2, 2, 3, 3, 4, 4};
        batch.dropFailedRows(hidden, 2);

        assertThat(batch.rows()).isEqualTo(2);
        assertThat(batch.hasFailedRows()).isFalse();
        assertThat(batch.failure(0)).isNull();
        assertThat(batch.failure(1)).isSameAs(reason);
        assertThat(batch.failure(2)).isNull();
        assertThat(hidden).startsWith(1, 1, 4, 4);
        assertThat(batch.tokens()).startsWith(10, 30);
        assertThat(batch.positions()).startsWith(4, 7);
        assertThat(batch.sequences()).startsWith(0, 2);
        assertThat(batch.cells()).startsWith(4, 2 * 32 + 7);
        assertThat(batch.wantsLogits(1)).isTrue();
    }

    @Test
    void rowsAreRoutedAsTheirRequestsAre() {
        RoutingTally tally = new RoutingTally();
        SessionRouting exact = SessionRouting.EXACT;
        SessionRouting mild =
                new SessionRouting(RoutingDial.EXACT, RoutingDial.parse("biased:0.3"));
        SessionRouting resident = new SessionRouting(RoutingDial.EXACT, RoutingDial.RESIDENT);
        Batch batch = new Batch(8, 3);
        batch.addSequence(new int[] {0}, exact, false, tally);
        batch.addRow(10, 4, true);
        assertThat(batch.isYielding()).isFalse();
        assertThat(batch.isRenewing()).isFalse();

        // A prompt is exact, but what it asks for matters to what follows.
        batch.addSequence(new int[] {1}, resident, true, tally);
        batch.addRow(20, 0, false);
        assertThat(batch.isYielding()).isFalse();
        assertThat(batch.isRenewing()).isTrue();

        batch.addSequence(new int[] {2}, mild, false, tally);
        batch.addRow(30, 7, true);
        assertThat(batch.isYielding()).isTrue();
        assertThat(batch.dial(0)).isEqualTo(RoutingDial.EXACT);
        assertThat(batch.dial(1)).isEqualTo(RoutingDial.EXACT);
        assertThat(batch.dial(2)).isEqualTo(mild.output());
        assertThat(batch.isRenewing(0)).isFalse();
        assertThat(batch.isRenewing(1)).isTrue();
        assertThat(batch.isRenewing(2)).isFalse();
        assertThat(batch.isRenewingThroughout()).isFalse();

        batch.fail(0, new IllegalStateException());
        batch.dropFailedRows(new float[6], 2);
        assertThat(batch.isRenewing(0)).isTrue();
        assertThat(batch.dial(1)).isEqualTo(mild.output());

        batch.clear();
        assertThat(batch.isYielding()).isFalse();
        assertThat(batch.isRenewing()).isFalse();
        batch.addSequence(new int[] {0}, resident, false, tally);
        batch.addRow(1, 0, true);
        assertThat(batch.isRenewingThroughout()).isTrue();
        assertThat(batch.tally(0)).isSameAs(tally);
    }

    @Test
    void clearForgetsRowsAndFailures() {
        Batch batch = new Batch(2, 1);
        batch.addSequence(new int[] {0});
        batch.addRow(1, 0, true);
        batch.fail(0, new IllegalStateException());
        batch.clear();
        assertThat(batch.rows()).isZero();
        assertThat(batch.failure(0)).isNull();
        assertThat(batch.hasFailedRows()).isFalse();
    }
}

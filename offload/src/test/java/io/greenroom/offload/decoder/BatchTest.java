package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;

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
